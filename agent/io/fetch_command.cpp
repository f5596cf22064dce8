// See fetch_command.hpp.
#include "agent/io/fetch_command.hpp"

#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/thread_pool.hpp>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <optional>
#include <utility>
#include <variant>

#include "agent/io/config_secrets.hpp"
#include "agent/io/config_tls.hpp"
#include "agent/io/server_access.hpp"
#include "hooks/io/rdb_fetch.hpp"

namespace agent::io {
namespace {

namespace asio = boost::asio;
using health::io::ServerAddress;

constexpr int kRefused = 1;
constexpr double kMegabyte = 1e6;

template <typename... Values>
std::string print(const char* format, Values... values) {
  std::array<char, 128> text{};
  std::snprintf(text.data(), text.size(), format, values...);
  return text.data();
}

int fail(const std::string& sentence) {
  std::cerr << "tandem: " << sentence << "\n";
  return kRefused;
}

// A name stands for its first address.
std::variant<ServerAddress, std::string> resolve(const std::string& server) {
  constexpr std::string_view kUnix = "unix:";
  if (server.starts_with(kUnix)) return ServerAddress{{}, 0, server.substr(kUnix.size())};
  const std::size_t colon = server.rfind(':');
  ServerAddress address;
  const std::string port = colon == std::string::npos ? "" : server.substr(colon + 1);
  const char* end = port.data() + port.size();
  const auto parsed = std::from_chars(port.data(), end, address.port);
  if (parsed.ec != std::errc() || parsed.ptr != end || address.port == 0 || colon == 0) {
    return "--server " + server + ": must be HOST:PORT, [ADDRESS]:PORT or unix:/PATH";
  }
  std::string host = server.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  asio::io_context loop;
  asio::ip::tcp::resolver resolver(loop);
  boost::system::error_code error;
  const auto found = resolver.resolve(host, port, error);
  if (error || found.empty()) return "--server " + server + ": " + error.message();
  address.host = found.begin()->endpoint().address().to_string();
  return address;
}

class ProgressLine {
 public:
  void show(const hooks::TransferProgress& progress) {
    if (!terminal_) return;
    std::string line = progress.bytes == 0
                           ? "waiting for the server to begin"
                           : print("%.1f MB", static_cast<double>(progress.bytes) / kMegabyte);
    if (progress.total)
      line += print(" of %.1f MB", static_cast<double>(*progress.total) / kMegabyte);
    line += print(", %.1f MB/s", static_cast<double>(progress.bytes_per_second) / kMegabyte);
    if (progress.left) {
      const auto left = std::chrono::ceil<std::chrono::seconds>(*progress.left);
      line += print(", %lld s left", static_cast<long long>(left.count()));
    }
    std::cerr << "\r\033[K" << line << std::flush;
  }
  void clear() const {
    if (terminal_) std::cerr << "\r\033[K" << std::flush;
  }

 private:
  bool terminal_ = ::isatty(STDERR_FILENO) == 1;
};

std::string summary(const hooks::io::Fetched& fetched) {
  const auto& facts = std::get<hooks::RdbFacts>(fetched.file.facts);
  const double took = std::chrono::duration<double>(fetched.took).count();
  std::string line = fetched.file.path + ": " + std::to_string(facts.bytes) + " bytes" +
                     print(" in %.1f s, ", took) + facts.header.to_string() +
                     (facts.checksummed ? ", checksum good" : ", without checksum") + ", offset " +
                     std::to_string(fetched.offset) + " of " + fetched.replid;
  if (!fetched.file.kept.empty()) line += "; the old file is " + fetched.file.kept;
  return line;
}

std::string host_of(const std::string& server) {
  std::string host = server.substr(0, server.rfind(':'));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return host;
}

// nullopt: `address` can be connected to.
std::optional<std::string> add_tls(const FetchOptions& options, ServerAddress& address) {
  const bool wanted = !options.tls_ca.empty();
  if (!wanted && options.tls_cert.empty() && options.tls_key.empty() && options.tls_name.empty()) {
    return std::nullopt;
  }
  if (!wanted) return "--tls-ca is missing: the path of the certificate of the server's CA";
  if (options.tls_cert.empty() != options.tls_key.empty()) {
    return "--tls-cert and --tls-key belong together";
  }
  if (!address.unix_path.empty()) return "--tls-ca: Redis has no TLS on a Unix socket";
  ServerConfig server{address.host, address.port, {}, {}, {}, {}, TlsConfig{}};
  *server.tls = {options.tls_ca, options.tls_cert, options.tls_key, {}};
  server.tls->material.server_name =
      options.tls_name.empty() ? host_of(options.server) : options.tls_name;
  if (const auto problem = read_tls_files(*server.tls)) {
    return "--tls-" + problem->key + ": " + problem->what;
  }
  address = server_address(server);
  return std::nullopt;
}

hooks::io::FetchResult fetch(const hooks::io::FetchRequest& request) {
  asio::io_context loop;
  asio::thread_pool disk(1);
  std::optional<hooks::io::FetchResult> result;
  ProgressLine line;
  hooks::io::RdbFetch fetching(loop.get_executor(), disk.get_executor());
  asio::signal_set signals(loop, SIGINT, SIGTERM);
  signals.async_wait([&](const boost::system::error_code& error, int) {
    if (error) return;
    fetching.cancel();
    result = "interrupted; nothing was replaced";
  });
  fetching.start(request, {[&](const hooks::TransferProgress& progress) { line.show(progress); },
                           [&](const hooks::io::FetchResult& told) {
                             result = told;
                             signals.cancel();
                           }});
  while (!result && loop.run_one() != 0) {
  }
  disk.join();
  line.clear();
  return *result;
}

}  // namespace

int fetch_dataset(const FetchOptions& options) {
  auto address = resolve(options.server);
  if (const auto* problem = std::get_if<std::string>(&address)) return fail(*problem);
  if (const auto problem = add_tls(options, std::get<ServerAddress>(address))) {
    return fail(*problem);
  }
  hooks::io::FetchRequest request;
  request.server = std::get<ServerAddress>(address);
  request.conversation.user = options.user;
  request.target = options.output;
  request.keep = options.keep;
  request.stall_timeout = std::chrono::seconds(options.stall_seconds);
  if (!options.password_file.empty()) {
    auto password = read_password(options.password_file);
    if (const auto* refusal = std::get_if<Refusal>(&password)) return fail(refusal->what);
    request.conversation.password = std::get<std::string>(std::move(password));
  }
  const hooks::io::FetchResult result = fetch(request);
  if (const auto* problem = std::get_if<std::string>(&result)) return fail(*problem);
  std::cout << summary(std::get<hooks::io::Fetched>(result)) << "\n";
  return 0;
}

}  // namespace agent::io
