// See keepalived_redis_cli.hpp.
#include "agent/keepalived_redis_cli.hpp"

#include <array>

#include "agent/keepalived_words.hpp"

namespace agent::keepalived {
namespace {

constexpr int kMaxPort = 65535;

// Options with a value that means nothing here.
bool has_value(const std::string& option) {
  static constexpr std::array<std::string_view, 9> kOptions{"-n", "-r", "-i",     "-t",   "-D",
                                                            "-d", "-X", "--cert", "--key"};
  for (const std::string_view one : kOptions) {
    if (option == one) return true;
  }
  return option == "--sni" || option == "--cacertdir" || option == "--show-pushes";
}

// redis://[user:password@]host[:port][/db]
void read_url(std::string url, CliCall& call) {
  call.tls = call.tls || url.starts_with("rediss://");
  const std::size_t scheme = url.find("://");
  if (scheme != std::string::npos) url = url.substr(scheme + 3);
  url = url.substr(0, url.find('/'));
  const std::size_t at = url.rfind('@');
  if (at != std::string::npos) {
    call.password = true;
    const std::string user = url.substr(0, url.find(':'));
    if (user.size() < at && user != "default") call.user = user;
    url = url.substr(at + 1);
  }
  const std::size_t colon = url.find(':');
  call.server.host = url.substr(0, colon);
  if (colon == std::string::npos) return;
  call.server.port = to_integer(url.substr(colon + 1), 1, kMaxPort).value_or(call.server.port);
}

void read_option(const std::string& option, const std::string& value, CliCall& call) {
  if (option == "-h") call.server.host = value;
  if (option == "-p") call.server.port = to_integer(value, 1, kMaxPort).value_or(call.server.port);
  if (option == "-s") call.server.unix_path = value;
  if (option == "-a" || option == "--pass") call.password = true;
  if (option == "--user") call.user = value;
  if (option == "--cacert") call.tls_ca = value;
  if (option == "-u") read_url(value, call);
}

}  // namespace

std::string base_name(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

bool is_redis_cli(const std::string& word) {
  const std::string name = base_name(word);
  return name == "redis-cli" || name == "valkey-cli" || name == "keydb-cli";
}

CliCall read_cli_call(const std::vector<std::string>& words) {
  static constexpr std::array<std::string_view, 8> kRead{"-h", "-p",     "-s",     "-a",
                                                         "-u", "--pass", "--user", "--cacert"};
  CliCall call;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (!word.starts_with('-')) {
      call.command.assign(words.begin() + static_cast<std::ptrdiff_t>(i), words.end());
      break;
    }
    bool reads = false;
    for (const std::string_view one : kRead) reads = reads || word == one;
    if (reads && i + 1 < words.size()) {
      read_option(word, words[++i], call);
    } else if (word == "--tls") {
      call.tls = true;
    } else if (has_value(word)) {
      ++i;
    }
  }
  return call;
}

}  // namespace agent::keepalived
