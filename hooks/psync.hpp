// The client's side of Redis replication as a conversation over bytes: it introduces itself, asks
// for the whole dataset as an RDB, or for the commands from an offset on, and tells the payload
// from the words around it. What the server sends is never held, whatever length it names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hooks {

// A part of the replication stream: all its bytes from `first` to `last`, both included, as INFO
// replication counts them. The lost commands of a master that was replaced are, under its own
// replid, from the successor's second_repl_offset to its own master_repl_offset.
// A server that does not have `first` any more answers with a full resync and forks for it: look
// at repl_backlog_first_byte_offset before.
struct StreamRange {
  std::string replid;
  std::int64_t first = 0;
  std::int64_t last = 0;
  std::int64_t bytes() const { return last < first ? 0 : last - first + 1; }
  bool operator==(const StreamRange&) const = default;
};

struct PsyncRequest {
  std::string user;  // empty: the default user
  std::string password;
  std::optional<StreamRange> range;  // absent: the whole dataset
};

// feed() with what the server sent until done() or problem(); what it gives to send is sent at
// once.
class Psync {
 public:
  enum class State : std::uint8_t {
    introducing,   // AUTH, PING, REPLCONF
    asking,        // PSYNC is sent; the server may take its time and send empty lines meanwhile
    preparing,     // +FULLRESYNC came, the RDB has not begun
    transferring,  // payload
    done,
    failed,
  };

  struct Step {
    std::string send;          // to the server
    std::string_view payload;  // to be kept; lives until the next feed() and as long as `bytes`
  };

  explicit Psync(PsyncRequest request);

  std::string begin();
  Step feed(std::string_view bytes);
  // The server closed the connection.
  void closed();

  State state() const { return state_; }
  bool done() const { return state_ == State::done; }
  // One clause, when failed: "the server requires a password".
  const std::string& problem() const { return problem_; }
  // Of the whole payload; nullopt until known, and for ever when it comes without a length.
  std::optional<std::uint64_t> total() const { return total_; }
  std::uint64_t received() const { return received_; }
  // What the server granted: its replid and the offset that the RDB stands for; for a range the
  // replid that it goes on under.
  const std::string& replid() const { return replid_; }
  std::int64_t offset() const { return offset_; }

 private:
  enum class Awaited : std::uint8_t { auth, ping, capabilities, rdb_only, psync, header };

  std::optional<std::string> take_line(std::string_view& bytes);
  std::string hear(const std::string& line);
  std::string after_introduction(Awaited next);
  std::string command_for(Awaited awaited);
  void hear_grant(const std::string& line);
  void hear_full(const std::string& line);
  void hear_header(const std::string& line);
  void refuse(const std::string& line);
  void fail(std::string problem);
  std::string_view take_counted(std::string_view bytes);
  std::string_view take_marked(std::string_view bytes);

  PsyncRequest request_;
  State state_ = State::introducing;
  Awaited awaited_ = Awaited::auth;
  std::string line_;    // the beginning of a line
  std::string mark_;    // of a payload without a length: the 40 bytes that end it
  std::string window_;  // its last bytes, which may be the mark's beginning, and the new ones
  std::string held_;
  std::optional<std::uint64_t> total_;
  std::uint64_t received_ = 0;
  std::string replid_;
  std::int64_t offset_ = 0;
  std::string problem_;
};

}  // namespace hooks
