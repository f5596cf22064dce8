// keepalived.conf as lines of words: comments, quoted strings, conditions (@host), definitions
// ($NAME=VALUE) and includes are resolved here. What a file includes is fetched by a callback.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace agent::keepalived {

struct Place {
  std::string file;
  unsigned line = 0;  // 0: the file as a whole
  // "/etc/keepalived/keepalived.conf:12"
  std::string to_string() const;
  bool operator==(const Place&) const = default;
};

// What ends an import: one sentence.
struct Refusal {
  Place place;
  std::string what;  // continues "FILE:LINE: "
  std::string to_string() const;
};

// Where in tandem.toml a remark belongs.
enum class Section : std::uint8_t { file, pair, server, track, notify };

// Something that the operator should know: what was left out, changed or replaced, and what to do.
struct Note {
  Place place;
  std::string what;
  Section section = Section::file;
};

struct Source {
  std::string path;
  std::string text;
};

// What `include PATTERN` in the file `from` stands for.
struct Included {
  std::vector<Source> files;
  std::string problem;  // not empty: continues `"PATTERN" `, as in "does not exist"
};
using Includer = std::function<Included(const std::string& pattern, const std::string& from)>;

enum class TokenKind : std::uint8_t { word, open, close };
struct Token {
  std::string text;
  TokenKind kind = TokenKind::word;
};

struct Line {
  Place place;
  std::vector<Token> tokens;  // at least one
};

struct Lines {
  std::vector<Line> lines;
  std::vector<Note> notes;
};

// `config_id`: which @lines count, as keepalived's option -i; its default is the host name's first
// part.
std::variant<Lines, Refusal> read_lines(const Source& main, const std::string& config_id,
                                        const Includer& include);

// `text` in double quotes, shortened, without control characters.
std::string shown(std::string_view text);

}  // namespace agent::keepalived
