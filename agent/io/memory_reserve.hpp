// Memory that is kept back for the hour in which host or limit gives no more. Broken off in the
// middle, a step of a state machine or a timer that is set anew would leave an agent that holds the
// VIP and decides nothing; so whoever needs memory then gets some of the reserve, and clients, who
// can call again, are turned away while much of it is out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <utility>

namespace agent::io {

class MemoryReserve {
 public:
  // That of the process, for any of its threads.
  static MemoryReserve& instance();
  MemoryReserve(const MemoryReserve&) = delete;
  MemoryReserve& operator=(const MemoryReserve&) = delete;

  // Sets it aside and gives from it when `new` finds nothing. Without it `new` throws at once.
  void set_aside();
  // Takes back what it can get.
  void refill();
  // Whether clients are to be turned away: the other half is for what has to go on.
  bool is_short();
  // Serves a client, unless memory is short or runs out meanwhile: false, and it is counted.
  template <typename Serve>
  bool serve(Serve&& how) {
    if (!is_short()) {
      try {
        std::forward<Serve>(how)();
        return true;
      } catch (const std::bad_alloc&) {
        // The same as short.
      }
    }
    ++turned_away_;
    return false;
  }

  struct Trouble {
    std::uint64_t given = 0;  // times that somebody needed the reserve
    std::uint64_t turned_away = 0;
  };
  // Since the last call.
  Trouble take_trouble();

 private:
  struct Block {
    Block* next;
  };

  MemoryReserve() = default;
  static void give();
  bool give_one();
  bool take_one();

  std::mutex mutex_;
  Block* blocks_ = nullptr;
  std::size_t wanted_ = 0;
  std::size_t held_ = 0;
  std::uint64_t given_ = 0;
  std::uint64_t turned_away_ = 0;  // the loop's own
};

}  // namespace agent::io
