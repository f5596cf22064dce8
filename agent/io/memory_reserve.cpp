// See memory_reserve.hpp.
#include "agent/io/memory_reserve.hpp"

#include <cstdlib>
#include <utility>

namespace agent::io {
namespace {

// Untouched but for their first pages. Below what malloc maps by itself, so that a block that is
// given back is part of the heap at once, together with its neighbours.
constexpr std::size_t kBlock = 64UL * 1024;
constexpr std::size_t kBlocks = 64;
constexpr std::size_t kSpare = 64UL * 1024;  // more in one piece would be rare in a used heap

}  // namespace

MemoryReserve& MemoryReserve::instance() {
  static MemoryReserve reserve;
  return reserve;
}

void MemoryReserve::set_aside() {
  wanted_ = kBlocks;
  refill();
  std::set_new_handler(give);
}

// Libraries in C ask nobody's handler: so much is left free for them, if need be from the reserve.
void MemoryReserve::refill() {
  void* volatile spare = std::malloc(kSpare);  // a plain one the compiler may leave out
  while (spare == nullptr && give_one()) spare = std::malloc(kSpare);
  while (spare != nullptr && take_one()) {
  }
  std::free(spare);
}

bool MemoryReserve::take_one() {
  const std::lock_guard lock(mutex_);
  if (held_ >= wanted_) return false;
  void* const got = std::malloc(kBlock);
  if (got == nullptr) return false;
  blocks_ = new (got) Block{blocks_};
  ++held_;
  return true;
}

bool MemoryReserve::is_short() {
  if (wanted_ == 0) return false;
  refill();
  const std::lock_guard lock(mutex_);
  return held_ <= wanted_ / 2;
}

MemoryReserve::Trouble MemoryReserve::take_trouble() {
  const std::lock_guard lock(mutex_);
  return {std::exchange(given_, 0), std::exchange(turned_away_, 0)};
}

bool MemoryReserve::give_one() {
  Block* block = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (blocks_ == nullptr) return false;
    block = std::exchange(blocks_, blocks_->next);
    --held_;
    ++given_;
  }
  std::free(block);
  return true;
}

// The new handler: it is asked again until there is enough, or nothing is left.
void MemoryReserve::give() {
  if (!instance().give_one()) throw std::bad_alloc();
}

}  // namespace agent::io
