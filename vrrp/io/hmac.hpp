// HMAC-SHA256 by OpenSSL, in the form that vrrp/authentication.hpp wants.
#pragma once

#include "vrrp/authentication.hpp"

namespace vrrp::io {

Mac hmac_sha256(std::span<const std::uint8_t> key, std::span<const std::uint8_t> message);

}  // namespace vrrp::io
