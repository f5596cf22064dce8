// Words, argument vectors, environment and FIFO lines of notify scripts. Text in, text out: it
// starts nothing and opens nothing.
#include "hooks/notify.hpp"

namespace hooks {
namespace {

constexpr std::string_view kBlanks = " \t\f\n\r\v";

bool is_blank(char c) {
  return kBlanks.find(c) != std::string_view::npos;
}
bool is_octal(char c) {
  return c >= '0' && c <= '7';
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// keepalived's alloc_strvec_quoted_escaped(): quotes group and may stand inside a word, and an
// escape means the same outside and inside of both kinds of quotes.
class WordSplitter {
 public:
  explicit WordSplitter(std::string_view line) : line_(line) {}

  std::variant<std::vector<std::string>, SplitError> split() {
    std::vector<std::string> words;
    for (skip_blanks(); !at_end() && error_.empty(); skip_blanks()) words.push_back(word());
    if (error_.empty() && (words.empty() || words.front().empty())) {
      error_ = "the command is empty; name a script";
    }
    if (!error_.empty()) return SplitError{error_};
    return words;
  }

 private:
  bool at_end() const { return at_ == line_.size(); }
  char peek() const { return at_end() ? '\0' : line_[at_]; }
  std::string column(std::size_t at) const { return std::to_string(at + 1); }

  void skip_blanks() {
    while (!at_end() && is_blank(peek())) ++at_;
  }

  std::string word() {
    std::string text;
    char quote = '\0';
    std::size_t opened_at = 0;
    while (!at_end() && error_.empty()) {
      const std::size_t start = at_;
      const char c = line_[at_++];
      if (c == '\\') {
        add(text, escaped(), start);
      } else if (quote != '\0') {
        if (c == quote) {
          quote = '\0';
        } else {
          add(text, c, start);
        }
      } else if (c == '"' || c == '\'') {
        quote = c;
        opened_at = start;
      } else if (is_blank(c)) {
        return text;
      } else {
        add(text, c, start);
      }
    }
    if (quote != '\0' && error_.empty()) {
      error_ = "the quote " + std::string(1, quote) + " at column " + column(opened_at) +
               " is never closed; close it, or write \\" + quote + " for the character itself";
    }
    return text;
  }

  void add(std::string& text, char c, std::size_t start) {
    if (c == '\0' && error_.empty()) {
      error_ = "the character at column " + column(start) +
               " is a NUL, which no argument can hold; remove it";
    }
    text.push_back(c);
  }

  // What follows a backslash: \xHH.., \cX, up to three octal digits, a control letter, or the
  // character itself.
  char escaped() {
    if (at_end()) {
      error_ =
          "the \\ at the end escapes nothing; remove it, or write \\\\ for the character itself";
      return ' ';
    }
    const char c = line_[at_++];
    if (c == 'x' && hex_value(peek()) >= 0) return hexadecimal();
    if (c == 'c' && !at_end()) return static_cast<char>(line_[at_++] & 0x1f);
    if (is_octal(c)) return octal(c);
    switch (c) {
      case 'a': return '\a';
      case 'b': return '\b';
      case 'E': return '\x1b';
      case 'f': return '\f';
      case 'n': return '\n';
      case 'r': return '\r';
      case 't': return '\t';
      case 'v': return '\v';
      default: return c;
    }
  }

  char hexadecimal() {
    unsigned value = 0;
    for (; hex_value(peek()) >= 0; ++at_)
      value = value << 4 | static_cast<unsigned>(hex_value(peek()));
    return static_cast<char>(value & 0xff);
  }

  char octal(char first) {
    auto value = static_cast<unsigned>(first - '0');
    for (int digits = 1; digits < 3 && is_octal(peek()); ++digits, ++at_) {
      value = value << 3 | static_cast<unsigned>(peek() - '0');
    }
    return static_cast<char>(value & 0xff);
  }

  std::string_view line_;
  std::size_t at_ = 0;
  std::string error_;
};

const std::vector<std::string>& specific_command(const NotifyConfig& config, NotifyState state) {
  switch (state) {
    case NotifyState::master: return config.master;
    case NotifyState::backup: return config.backup;
    case NotifyState::fault: return config.fault;
    case NotifyState::stop: break;
  }
  return config.stop;
}

// The key of [pair.notify] that names the script of a state.
std::string_view key_of(NotifyState state) {
  switch (state) {
    case NotifyState::master: return "master";
    case NotifyState::backup: return "backup";
    case NotifyState::fault: return "fault";
    case NotifyState::stop: break;
  }
  return "stop";
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) {
    if (!text.empty()) text += ' ';
    text += word;
  }
  return text;
}

// Every variable is always set, so that a script may run under `set -u`.
std::map<std::string, std::string> environment_of(const NotifyEvent& event, std::string_view hook) {
  return {{"TANDEM_PAIR", event.pair},
          {"TANDEM_HOOK", std::string(hook)},
          {"TANDEM_STATE", std::string(to_word(event.state))},
          {"TANDEM_PREVIOUS_STATE", event.previous},
          {"TANDEM_REASON", event.reason},
          {"TANDEM_INITIAL", event.initial ? "1" : "0"},
          {"TANDEM_RELOAD", event.adopted ? "1" : "0"},
          {"TANDEM_EPOCH", std::to_string(event.epoch)},
          {"TANDEM_VIPS", joined(event.vips)},
          {"TANDEM_PEER", event.peer},
          {"TANDEM_INTERFACE", event.interface},
          {"TANDEM_PRIORITY", std::to_string(event.priority)}};
}

}  // namespace

std::string_view to_word(NotifyState state) {
  switch (state) {
    case NotifyState::master: return "MASTER";
    case NotifyState::backup: return "BACKUP";
    case NotifyState::fault: return "FAULT";
    case NotifyState::stop: break;
  }
  return "STOP";
}

std::variant<std::vector<std::string>, SplitError> split_words(std::string_view line) {
  return WordSplitter(line).split();
}

std::vector<HookRun> hook_runs(const NotifyConfig& config, const NotifyEvent& event) {
  std::vector<HookRun> runs;
  const auto add = [&](std::vector<std::string> argv, std::string_view hook) {
    runs.push_back(
        {std::move(argv), environment_of(event, hook), config.user, config.group, config.timeout});
  };
  const auto& specific = specific_command(config, event.state);
  if (!specific.empty()) add(specific, key_of(event.state));
  if (!config.any.empty()) {
    auto argv = config.any;
    argv.insert(argv.end(), {"INSTANCE", event.pair, std::string(to_word(event.state)),
                             std::to_string(event.priority)});
    add(std::move(argv), "any");
  }
  return runs;
}

std::string_view to_word(Question question) {
  return question == Question::promote ? "pre_promote" : "pre_demote";
}

std::optional<HookRun> veto_run(const NotifyConfig& config, Question question,
                                const NotifyEvent& event) {
  const auto& command = question == Question::promote ? config.pre_promote : config.pre_demote;
  if (command.empty()) return std::nullopt;
  return HookRun{.argv = command,
                 .environment = environment_of(event, to_word(question)),
                 .user = config.user,
                 .group = config.group,
                 .timeout = config.pre_timeout,
                 .only_errors = true};
}

std::string fifo_line(const NotifyEvent& event) {
  return "INSTANCE \"" + event.pair + "\" " + std::string(to_word(event.state)) + ' ' +
         std::to_string(event.priority) + '\n';
}

}  // namespace hooks
