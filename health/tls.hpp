// What a client of a TLS server brings with it, as texts.
#pragma once

#include <cstdint>
#include <string>

namespace health {

// PEM texts, not paths: files are read once, by who can say what is wrong with them. Never printed.
struct TlsMaterial {
  std::string ca;    // who signs the server's certificate
  std::string cert;  // the agent's own, with what leads to its CA; empty: none
  std::string key;   // of `cert`
  // What the server's certificate must name; empty: the address that is connected to.
  std::string server_name;

  bool operator==(const TlsMaterial&) const = default;
};

// What is wrong with one of them; `what` continues the name of its file.
struct TlsProblem {
  enum class Part : std::uint8_t { ca, cert, key };
  Part part = Part::ca;
  std::string what;
};

}  // namespace health
