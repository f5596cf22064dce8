// See status_page.hpp. Style and script are named in the policy by their hashes, so that nothing
// that finds its way into the page by other means is ever run.
#include "agent/io/status_page.hpp"

#include <openssl/evp.h>

#include <array>
#include <string>

namespace agent::io {
namespace {

constexpr std::string_view kBody = R"html(<main id="main" aria-live="off">
<header><h1>Tandem <span id="node"></span></h1><p id="live" role="status">asking the agent</p>
</header>
<section id="pairs" aria-label="Pairs"></section>
<section aria-labelledby="events-title"><h2 id="events-title">Newest events</h2>
<div class="filter" role="group" aria-label="Which events">
<button type="button" data-filter="" aria-pressed="true">All</button>
<button type="button" data-filter="transition" aria-pressed="false">Transitions</button>
<button type="button" data-filter="trouble" aria-pressed="false">Trouble</button></div>
<ol id="events"></ol><p id="no-events">Nothing has happened since the agent started.</p></section>
</main><noscript><p>This page needs JavaScript; /metrics and tandem status do not.</p></noscript>
)html";

std::string hash_of(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  std::array<unsigned char, std::size_t{2} * EVP_MAX_MD_SIZE> base64{};
  const int length = EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(size));
  return "'sha256-" + std::string(base64.begin(), base64.begin() + length) + "'";
}

HttpAnswer make_page() {
  HttpAnswer page;
  page.type = "text/html; charset=utf-8";
  page.policy = "default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; ";
  page.policy += "form-action 'none'; frame-ancestors 'none'; style-src ";
  page.policy += hash_of(status_page_style()) + "; script-src " + hash_of(status_page_script());
  page.body = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n";
  page.body += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  page.body += "<meta name=\"color-scheme\" content=\"light dark\"><title>Tandem</title>\n";
  page.body += "<link rel=\"icon\" href=\"data:,\">\n<style>";
  page.body += status_page_style();
  page.body += "</style></head><body>\n";
  page.body += kBody;
  page.body += "<script>";
  page.body += status_page_script();
  page.body += "</script></body></html>\n";
  return page;
}

}  // namespace

HttpAnswer status_page() {
  static const HttpAnswer page = make_page();
  return page;
}

}  // namespace agent::io
