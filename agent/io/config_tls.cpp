// See config_tls.hpp.
#include "agent/io/config_tls.hpp"

#include <utility>

#include "agent/io/config_secrets.hpp"
#include "health/io/tls_client.hpp"

namespace agent::io {
namespace {

constexpr std::size_t kMostBytes = 1024UL * 1024;  // a file of all public CAs has a quarter of it
constexpr std::size_t kMostName = 253;

struct TlsFile {
  const char* key;
  const std::string& path;
  std::string& text;
  bool secret;
};

std::optional<TlsRefused> read_text(const TlsFile& file) {
  if (file.path.empty()) return std::nullopt;
  if (file.secret) {
    auto text = read_secret_file(file.path, kMostBytes, "the private key");
    if (auto* refusal = std::get_if<Refusal>(&text)) return TlsRefused{file.key, refusal->what};
    file.text = std::get<std::string>(std::move(text));
    return std::nullopt;
  }
  auto read = read_file(file.path, kMostBytes);
  if (auto* refusal = std::get_if<Refusal>(&read)) {
    return TlsRefused{file.key, quoted(file.path) + " " + refusal->what};
  }
  file.text = std::move(std::get<FileText>(read).text);
  return std::nullopt;
}

TlsRefused refused(const TlsConfig& tls, const health::TlsProblem& problem) {
  switch (problem.part) {
    case health::TlsProblem::Part::ca: return {"ca", quoted(tls.ca_file) + " " + problem.what};
    case health::TlsProblem::Part::cert:
      return {"cert", quoted(tls.cert_file) + " " + problem.what};
    case health::TlsProblem::Part::key: break;
  }
  return {"key", quoted(tls.key_file) + " " + problem.what};
}

Parsed<std::string> parse_file(const ConfigNode& node) {
  return parse_path(node, kMaxPath);
}

Parsed<std::string> parse_server_name(const ConfigNode& node) {
  return parse_text(node, kMostName);
}

// What keys name, before files are read; false: something is refused or missing, and that is said.
bool read_keys(TableReader& table, TlsConfig& tls) {
  bool good = true;
  const auto take = [&](const char* key, std::string& target) {
    good = (table.find(key) == nullptr || table.read(key, target, parse_file)) && good;
  };
  take("ca", tls.ca_file);
  take("cert", tls.cert_file);
  take("key", tls.key_file);
  table.read("server_name", tls.material.server_name, parse_server_name);
  table.finish();
  if (good && tls.ca_file.empty()) {
    table.error("ca",
                "is missing; write the path of the CA's certificate, or that of all public CAs, "
                "/etc/ssl/certs/ca-certificates.crt");
    good = false;
  }
  if (good && tls.cert_file.empty() != tls.key_file.empty()) {
    const bool no_key = tls.key_file.empty();
    table.error(no_key ? "key" : "cert", no_key ? "is missing; cert needs the path of its key"
                                                : "is missing; key needs the path of its cert");
    good = false;
  }
  return good;
}

}  // namespace

std::optional<TlsRefused> read_tls_files(TlsConfig& tls) {
  health::TlsMaterial& material = tls.material;
  for (const TlsFile& file : {TlsFile{"ca", tls.ca_file, material.ca, false},
                              TlsFile{"cert", tls.cert_file, material.cert, false},
                              TlsFile{"key", tls.key_file, material.key, true}}) {
    if (auto problem = read_text(file)) return problem;
  }
  const auto made = health::io::TlsClient::make(material);
  if (const auto* problem = std::get_if<health::TlsProblem>(&made)) return refused(tls, *problem);
  return std::nullopt;
}

void read_tls(TableReader& server, std::optional<TlsConfig>& tls,
              const std::optional<TlsConfig>& inherited) {
  const ConfigNode* node = server.find("tls");
  if (node != nullptr && node->kind == ValueKind::boolean) {
    if (!node->boolean) return;
    return server.error("tls",
                        "is true, must be false or a table, as in { ca = \"/etc/tandem/ca.crt\" }");
  }
  tls = inherited;
  if (tls) tls->material.server_name.clear();
  if (node == nullptr) return;
  auto table = server.table("tls");
  if (!table) return;
  TlsConfig wanted = tls.value_or(TlsConfig{});
  if (!read_keys(*table, wanted)) return;
  if (auto problem = read_tls_files(wanted)) return table->error(problem->key, problem->what);
  const auto made = health::io::TlsClient::make(wanted.material);
  if (const auto* client = std::get_if<std::shared_ptr<health::io::TlsClient>>(&made)) {
    if (auto warning = (*client)->certificate_warning()) {
      table->warning("cert", quoted(wanted.cert_file) + " " + *warning);
    }
  }
  tls = std::move(wanted);
}

}  // namespace agent::io
