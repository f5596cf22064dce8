// See fence_script.hpp.
#include "agent/io/fence_script.hpp"

#include <boost/asio/post.hpp>
#include <utility>

#include "hooks/io/dataset_fetch.hpp"
#include "hooks/io/script_check.hpp"
#include "hooks/output_lines.hpp"

namespace agent::io {

namespace {
constexpr std::size_t kMaxOutput = 8UL * 1024;
}  // namespace

FenceScript::FenceScript(const boost::asio::any_io_executor& executor, const PairConfig& pair,
                         Line line)
    : executor_(executor),
      config_(pair.fence),
      pair_(pair.name),
      peer_(pair.peer_server.host),
      line_(std::move(line)),
      runner_(executor, {.max_output_bytes = kMaxOutput}) {
  // Asked now, so that no run waits for a directory service.
  if (!config_.command.empty()) runner_.identity_of(config_.user, "");
}

std::optional<std::string> FenceScript::problem(const FenceConfig& config) {
  if (config.command.empty()) return std::nullopt;
  const auto user = hooks::io::find_identity(config.user, "");
  const auto refused = hooks::io::refuse_command(config.command.front(), user);
  return refused ? std::optional("fence: " + refused->why) : std::nullopt;
}

void FenceScript::ask(Answer answer) {
  hooks::HookRun run;
  run.argv = config_.command;
  run.argv.insert(run.argv.end(), {pair_, peer_});
  run.environment = {{"TANDEM_PAIR", pair_}, {"TANDEM_PEER", peer_}};
  run.user = config_.user;
  run.timeout = config_.timeout;
  last_line_.clear();
  // Judged before every run: the file may have changed since the agent started. What is refused
  // ends like a run, so that the answer comes from the loop.
  const auto user = runner_.identity_of(config_.user, "");
  if (const auto refused = hooks::io::refuse_command(config_.command.front(), user)) {
    return boost::asio::post(
        executor_, [answer = std::move(answer), why = refused->why] { answer(false, why); });
  }
  runner_.run(
      run,
      [this](std::string_view line) {
        last_line_ = hooks::printable(line);
        line_("the fence script says: " + last_line_);
      },
      [this, answer = std::move(answer)](const hooks::io::ProcessResult& result) {
        answer(result.succeeded(), hooks::io::failure_words(result, last_line_));
      });
}

}  // namespace agent::io
