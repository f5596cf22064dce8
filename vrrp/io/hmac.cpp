// See hmac.hpp.
#include "vrrp/io/hmac.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <new>

namespace vrrp::io {

Mac hmac_sha256(std::span<const std::uint8_t> key, std::span<const std::uint8_t> message) {
  Mac mac{};
  unsigned length = 0;
  // It fails for want of memory alone.
  if (::HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), message.data(), message.size(),
             mac.data(), &length) == nullptr) {
    throw std::bad_alloc();
  }
  return mac;
}

}  // namespace vrrp::io
