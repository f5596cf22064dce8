// See keepalived_lexer.hpp. Every loop is bounded by what has been read: definitions that grow and
// includes that never end are refused.
#include "agent/keepalived_lexer.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <set>

#include "agent/keepalived_words.hpp"

namespace agent::keepalived {
namespace {

constexpr std::size_t kMaxLine = 64UL * 1024;
constexpr std::size_t kMaxProduced = 8UL * 1024 * 1024;
constexpr std::size_t kMaxFiles = 1000;
constexpr std::size_t kMaxIncludeDepth = 16;
constexpr unsigned kMaxExpansions = 32;
constexpr std::string_view kBlanks = " \t\f\v";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";  // editors elsewhere write it

bool is_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

bool is_include(std::string_view word) {
  if (!word.starts_with("include")) return false;
  const std::string_view variant = word.substr(std::string_view("include").size());
  return variant.empty() || (variant.size() == 1 && std::isalpha(variant[0]) != 0) ||
         (variant.size() == 2 && variant[0] == '_' && std::isalpha(variant[1]) != 0);
}

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

// Up to a '#' or '!' outside of quotes.
std::string_view without_comment(std::string_view line) {
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '\\') {
      ++i;
    } else if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '#' || c == '!') {
      return line.substr(0, i);
    }
  }
  return line;
}

class Lexer {
 public:
  Lexer(const std::string& config_id, const Includer& include)
      : config_id_(config_id), include_(include) {}

  void read(const Source& source) {
    if (++files_ > kMaxFiles) {
      return refuse({source.path, 0}, "is one of more than 1000 files; include fewer");
    }
    open_.push_back(source.path);
    std::size_t at = source.text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
    unsigned number = 0;
    while (at < source.text.size() && !refusal_) {
      const std::size_t end = std::min(source.text.find('\n', at), source.text.size());
      std::string_view line = std::string_view(source.text).substr(at, end - at);
      at = end + 1;
      if (line.ends_with('\r')) line.remove_suffix(1);
      take_raw(line, {source.path, ++number});
    }
    defining_.reset();
    open_.pop_back();
  }

  std::variant<Lines, Refusal> result() {
    if (refusal_) return *refusal_;
    return std::move(out_);
  }

 private:
  struct Definition {
    std::string name;
    std::string value;
  };

  void refuse(const Place& place, std::string what) {
    if (!refusal_) refusal_ = Refusal{place, std::move(what)};
  }

  void take_raw(std::string_view line, const Place& place) {
    const bool binary = std::any_of(line.begin(), line.end(), [](char c) {
      return static_cast<unsigned char>(c) < 0x20 && kBlanks.find(c) == std::string_view::npos;
    });
    if (binary) return refuse(place, "holds bytes that are no text; name a keepalived.conf");
    if (line.size() > kMaxLine) return refuse(place, "is longer than 64 KB; split the line");
    const std::string_view text = without_comment(line);
    if (!defining_) return take(text, place, 0);
    continue_definition(trimmed(text));
  }

  void continue_definition(std::string_view text) {
    const bool more = text.ends_with('\\');
    if (more) text.remove_suffix(1);
    if (!defining_->value.empty()) defining_->value += '\n';
    defining_->value += trimmed(text);
    if (more) return;
    definitions_[defining_->name] = defining_->value;
    defining_.reset();
  }

  void take(std::string_view text, const Place& place, unsigned depth) {
    if (refusal_) return;
    produced_ += text.size();
    if (depth > kMaxExpansions) return refuse(place, "a definition refers to itself");
    if (produced_ > kMaxProduced) return refuse(place, "the definitions grow without an end");
    text = trimmed(text);
    while (text.starts_with('@')) {
      if (!is_ours(text, place)) return;
    }
    if (text.empty()) return;
    if (text.starts_with("~SEQ") || text.starts_with("~LST")) {
      out_.notes.push_back({place,
                            "a line that is repeated by ~SEQ or ~LST is not carried over; write "
                            "its lines out and import again",
                            Section::file});
      return;
    }
    if (begin_definition(text)) return;
    if (take_include(text, place)) return;
    const auto expanded = expand(text, place);
    if (!expanded) return tokenise(text, place);
    std::size_t at = 0;
    while (at <= expanded->size() && !refusal_) {
      const std::size_t end = std::min(expanded->find('\n', at), expanded->size());
      take(std::string_view(*expanded).substr(at, end - at), place, depth + 1);
      at = end + 1;
    }
  }

  // "@main priority 100", "@^main ...": takes the condition off, false when it does not hold.
  bool is_ours(std::string_view& text, const Place& place) {
    text.remove_prefix(1);
    const bool negative = text.starts_with('^');
    if (negative) text.remove_prefix(1);
    const std::size_t end = std::min(text.find_first_of(kBlanks), text.size());
    const std::string id(text.substr(0, end));
    text = trimmed(text.substr(end));
    if ((id == config_id_) != negative) return true;
    if (!negative && others_.insert(id).second) {
      out_.notes.push_back({place,
                            "lines that begin with @" + clean(id) +
                                " are for another host and left out, because this one is " +
                                shown(config_id_) + "; --config-id names another",
                            Section::file});
    }
    return false;
  }

  // "$NAME=VALUE"; a value that ends with '\' goes on.
  bool begin_definition(std::string_view text) {
    if (!text.starts_with('$')) return false;
    std::size_t end = 1;
    while (end < text.size() && is_name(text[end])) ++end;
    if (end == 1 || end >= text.size() || text[end] != '=') return false;
    defining_ = Definition{std::string(text.substr(1, end - 1)), {}};
    continue_definition(trimmed(text.substr(end + 1)));
    return true;
  }

  bool take_include(std::string_view text, const Place& place) {
    const std::size_t end = std::min(text.find_first_of(kBlanks), text.size());
    if (!is_include(text.substr(0, end))) return false;
    std::string_view pattern = trimmed(text.substr(end));
    const bool in_quotes = pattern.size() > 1 && pattern.front() == pattern.back() &&
                           (pattern.front() == '"' || pattern.front() == '\'');
    if (in_quotes) pattern = pattern.substr(1, pattern.size() - 2);
    if (pattern.empty()) {
      refuse(place, "include names no file");
    } else if (open_.size() >= kMaxIncludeDepth) {
      refuse(place, "includes are nested more than 16 deep");
    } else {
      include(std::string(pattern), place);
    }
    return true;
  }

  void include(const std::string& pattern, const Place& place) {
    const Included found = include_(pattern, place.file);
    if (!found.problem.empty()) {
      return refuse(place, "the included file " + shown(pattern) + " " + found.problem);
    }
    if (found.files.empty()) {
      out_.notes.push_back({place, "include " + shown(pattern) + " matches no file", {}});
    }
    for (const Source& file : found.files) {
      if (std::find(open_.begin(), open_.end(), file.path) != open_.end()) {
        return refuse(place, "includes " + shown(file.path) +
                                 ", which is being read already: an endless loop; take one of the "
                                 "includes out");
      }
      read(file);
    }
  }

  std::optional<std::string> value_of(const std::string& name, const Place& place) const {
    if (const auto found = definitions_.find(name); found != definitions_.end()) {
      return found->second;
    }
    if (name == "_HASH") return "#";
    if (name == "_BANG") return "!";
    if (name == "_INSTANCE") return config_id_;
    if (name == "_PWD") return place.file.substr(0, place.file.rfind('/'));
    return std::nullopt;
  }

  // Every $NAME and ${NAME} once; nothing when there is none that is defined.
  std::optional<std::string> expand(std::string_view text, const Place& place) {
    std::string out;
    bool changed = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const bool braces = text.substr(i).starts_with("${");
      std::size_t end = i + (braces ? 2 : 1);
      const std::size_t begin = end;
      while (text[i] == '$' && end < text.size() && is_name(text[end])) ++end;
      const bool whole = braces ? end < text.size() && text[end] == '}'
                                : end == text.size() || kBlanks.find(text[end]) != kBlanks.npos;
      const bool named = text[i] == '$' && end > begin && whole;
      const auto value =
          named ? value_of(std::string(text.substr(begin, end - begin)), place) : std::nullopt;
      if (!value) {
        out += text[i];
        continue;
      }
      out += *value;
      changed = true;
      i = braces ? end : end - 1;
      if (out.size() <= kMaxLine) continue;
      refuse(place, "is longer than 64 KB once its definitions are replaced");
      break;
    }
    return changed ? std::optional(out) : std::nullopt;
  }

  void tokenise(std::string_view text, const Place& place) {
    Words words = split_words(text);
    if (words.open_quote) out_.notes.push_back({place, "a quote is not closed on this line", {}});
    out_.lines.push_back({place, std::move(words.tokens)});
  }

  const std::string& config_id_;
  const Includer& include_;
  Lines out_;
  std::optional<Refusal> refusal_;
  std::vector<std::string> open_;  // files that are being read
  std::map<std::string, std::string> definitions_;
  std::optional<Definition> defining_;
  std::set<std::string> others_;  // ids of conditions that do not hold
  std::size_t produced_ = 0;
  std::size_t files_ = 0;
};

}  // namespace

std::string Place::to_string() const {
  return line == 0 ? file : file + ":" + std::to_string(line);
}

std::string Refusal::to_string() const {
  return place.to_string() + (place.line == 0 ? " " : ": ") + what;
}

std::string shown(std::string_view text) {
  constexpr std::size_t kMaxShown = 80;
  return "\"" + clean(text.substr(0, kMaxShown)) + (text.size() > kMaxShown ? "...\"" : "\"");
}

std::variant<Lines, Refusal> read_lines(const Source& main, const std::string& config_id,
                                        const Includer& include) {
  Lexer lexer(config_id, include);
  lexer.read(main);
  return lexer.result();
}

}  // namespace agent::keepalived
