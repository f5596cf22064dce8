// The key `tls` of a server: a table of files, read and judged at once.
#pragma once

#include <string>
#include <variant>

#include "agent/config.hpp"
#include "agent/io/config_reader.hpp"

namespace agent::io {

// Of [pair.server] and [pair.peer]; what the peer's table does not say, `inherited` does, except
// for the name in the certificate.
void read_tls(TableReader& server, std::optional<TlsConfig>& tls,
              const std::optional<TlsConfig>& inherited);

// Which of the four keys is meant, and the sentence about it.
struct TlsRefused {
  std::string key;
  std::string what;
};
// Reads the files and puts their contents into the material. nullopt: they belong together.
std::optional<TlsRefused> read_tls_files(TlsConfig& tls);

}  // namespace agent::io
