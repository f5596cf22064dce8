// Error replies are told apart by their first word and by the few phrases that all versions of
// Redis, Valkey and KeyDB share; the rest of their texts differs.
#include "hooks/dialogue.hpp"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <utility>

namespace hooks {
namespace {

constexpr std::size_t kMaxQuoted = 160;

std::string join(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) {
    if (!line.empty()) line += ' ';
    line += word;
  }
  return line;
}

// The unit of which ACLs speak: a command, for a container command with its subcommand.
std::string command_name(const std::vector<std::string>& words) {
  const bool container = words.size() > 1 && (words[0] == "CONFIG" || words[0] == "CLIENT");
  return container ? words[0] + ' ' + words[1] : words[0];
}

// "ERR unknown command", "ERR Unsupported CONFIG parameter" (before Redis 7) and "ERR Unknown
// option or number of arguments for CONFIG SET".
bool is_unknown(const health::Reply& reply) {
  if (!reply.is_error()) return false;
  std::string text = reply.text;
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text.find("unknown command") != std::string::npos ||
         text.find("unsupported config parameter") != std::string::npos ||
         text.find("unknown option") != std::string::npos;
}

}  // namespace

std::string_view to_string(Target target) {
  if (target == Target::replica) return "replica";
  return target == Target::local ? "local" : "peer";
}

Question replicaof(Target target, const std::string& host, const std::string& port) {
  return {target, {"REPLICAOF", host, port}, {"SLAVEOF", host, port}};
}

Question set_min_replicas(Target target, const std::string& option, int value) {
  const std::string text = std::to_string(value);
  return {target,
          {"CONFIG", "SET", "min-replicas-" + option, text},
          {"CONFIG", "SET", "min-slaves-" + option, text}};
}

std::string subject(Target target) {
  if (target == Target::replica) return "the replica";
  return "the " + std::string(to_string(target)) + " server";
}

std::string quote(const health::Reply& reply) {
  using Type = health::Reply::Type;
  if (reply.type == Type::integer) return std::to_string(reply.integer);
  if (reply.type == Type::array) return "an array";
  if (reply.type == Type::nil) return "nil";
  std::string text = reply.text.substr(0, kMaxQuoted);
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c >= 0x7f; }, '?');
  if (reply.text.size() > kMaxQuoted) text += "...";
  return '"' + text + '"';
}

Step Dialogue::next(TimePoint now, const health::Reply* reply) {
  if (resume_) return std::exchange(resume_, nullptr)(now);
  if (auto failed = no_answer(question_, reply)) return *failed;
  if (!question_.older_words.empty() && is_unknown(*reply)) {
    question_.words = std::exchange(question_.older_words, {});
    return send();
  }
  return std::exchange(answer_, nullptr)(now, *reply);
}

Step Dialogue::next_all(TimePoint now, const Replies& replies) {
  std::vector<health::Reply> all;
  for (std::size_t i = 0; i < questions_.size(); ++i) {
    const auto& reply = replies.at(i);
    if (auto failed = no_answer(questions_[i], reply ? &*reply : nullptr)) return *failed;
    all.push_back(*reply);
  }
  return std::exchange(answers_, nullptr)(now, all);
}

std::optional<Failed> Dialogue::no_answer(const Question& question, const health::Reply* reply) {
  if (reply == nullptr) {
    return Failed{"the connection to " + subject(question.target) + " ended before it answered " +
                  join(question.words)};
  }
  if (reply->error_code() != "NOPERM") return std::nullopt;
  return Failed{"ACL: user may not run " + command_name(question.words) + " on " +
                subject(question.target)};
}

Step Dialogue::ask(Question question, Answer answer) {
  question_ = std::move(question);
  answer_ = std::move(answer);
  return send();
}

Step Dialogue::ask_all(std::vector<Question> questions, Answers answers) {
  questions_ = std::move(questions);
  answers_ = std::move(answers);
  Commands commands;
  for (const Question& one : questions_) commands.all.push_back({one.target, one.words});
  return commands;
}

Step Dialogue::ask_info(Target target, const std::string& section, Answer answer) {
  Question info{target, {"INFO"}, {}};
  if (!section.empty()) info.words.push_back(section);
  return ask(std::move(info),
             [this, answer = std::move(answer)](TimePoint now, const health::Reply& reply) -> Step {
               if (reply.type != health::Reply::Type::bulk) return unexpected(question_, reply);
               return answer(now, reply);
             });
}

Step Dialogue::order(Question question, Then then) {
  return ask(std::move(question),
             [this, then = std::move(then)](TimePoint now, const health::Reply& reply) -> Step {
               if (reply.type != health::Reply::Type::status) return unexpected(question_, reply);
               return then(now);
             });
}

Step Dialogue::attempt(Question question, Then then) {
  return ask(std::move(question),
             [then = std::move(then)](TimePoint now, const health::Reply&) { return then(now); });
}

Step Dialogue::wait(Duration duration, Then then) {
  resume_ = std::move(then);
  return Pause{duration};
}

Step Dialogue::open(Target target, Then then) {
  return order(set_min_replicas(target, "to-write", 0),
               [this, target, then = std::move(then)](TimePoint) {
                 return attempt({target, {"CLIENT", "UNPAUSE"}, {}}, then);
               });
}

Failed Dialogue::unexpected(const Question& question, const health::Reply& reply) {
  const std::string who = subject(question.target);
  if (reply.error_code() == "LOADING") {
    return Failed{who + " is still loading its data set and refuses " +
                  command_name(question.words)};
  }
  if (reply.error_code() == "BUSY") {
    return Failed{who + " is busy with a script and refuses " + command_name(question.words)};
  }
  return Failed{who + " answered " + join(question.words) + " with " + quote(reply)};
}

Step Dialogue::send() {
  return Command{question_.target, question_.words};
}

}  // namespace hooks
