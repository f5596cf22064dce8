// Runs the operator's fence script (rule 12): one at a time, bounded, as its user, and only if
// nobody else could have written it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <optional>
#include <string>

#include "agent/config.hpp"
#include "hooks/io/process_runner.hpp"

namespace agent::io {

class FenceScript {
 public:
  using Line = std::function<void(const std::string& text)>;
  // `why`: a clause, when it is not proved.
  using Answer = std::function<void(bool down, const std::string& why)>;

  FenceScript(const boost::asio::any_io_executor& executor, const PairConfig& pair, Line line);

  // Answers from the loop, never from inside the call, and not after the object's end.
  void ask(Answer answer);

  // Why it could not run on this host, a sentence; nullopt: it can, or there is none.
  static std::optional<std::string> problem(const FenceConfig& config);

 private:
  boost::asio::any_io_executor executor_;
  FenceConfig config_;
  std::string pair_;
  std::string peer_;
  Line line_;
  std::string last_line_;
  hooks::io::ProcessRunner runner_;
};

}  // namespace agent::io
