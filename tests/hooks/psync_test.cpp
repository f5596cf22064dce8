// The client's side of replication against scripted servers, cut and split at every byte.
#include "hooks/psync.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "tests/hooks/rdb_bytes.hpp"

namespace hooks {

void PrintTo(Psync::State state, std::ostream* out) {
  *out << static_cast<int>(state);
}

namespace {

using State = Psync::State;
using testing::make_rdb;

const std::string kReplid(40, 'a');
const std::string kMark = "0123456789abcdef0123456789abcdef01234567";
const std::string kIntroduced = "+PONG\r\n+OK\r\n+OK\r\n";
const std::string kGranted = kIntroduced + "+FULLRESYNC " + kReplid + " 1234\r\n";

struct Outcome {
  State state;
  std::string payload;
  std::string problem;
  bool operator==(const Outcome&) const = default;
};

void PrintTo(const Outcome& outcome, std::ostream* out) {
  *out << static_cast<int>(outcome.state) << " \"" << outcome.payload << "\" " << outcome.problem;
}

// All that a server says, in pieces of `piece` bytes, then its end.
Outcome hear(std::string_view bytes, const PsyncRequest& request = {},
             std::size_t piece = std::string::npos) {
  Psync psync(request);
  psync.begin();
  std::string payload;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    payload += psync.feed(bytes.substr(0, piece)).payload;
  }
  psync.closed();
  return {psync.state(), payload, psync.problem()};
}

std::string problem_of(const std::string& bytes, const PsyncRequest& request = {}) {
  return hear(bytes, request).problem;
}

PsyncRequest range(std::int64_t first, std::int64_t last) {
  return {"", "", StreamRange{kReplid, first, last}};
}

TEST(Psync, IntroducesItselfStepByStep) {
  Psync psync({"backup", "secret", {}});
  EXPECT_EQ(psync.begin(), "*3\r\n$4\r\nAUTH\r\n$6\r\nbackup\r\n$6\r\nsecret\r\n");
  EXPECT_EQ(psync.feed("+OK\r\n").send, "*1\r\n$4\r\nPING\r\n");
  EXPECT_EQ(psync.feed("+PONG\r\n").send,
            "*7\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$1\r\n0\r\n$4\r\ncapa\r\n$3\r\neof"
            "\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n");
  EXPECT_EQ(psync.feed("+OK\r\n").send, "*3\r\n$8\r\nREPLCONF\r\n$8\r\nrdb-only\r\n$1\r\n1\r\n");
  EXPECT_EQ(psync.state(), State::introducing);
  EXPECT_EQ(psync.feed("+OK\r\n").send, "*3\r\n$5\r\nPSYNC\r\n$1\r\n?\r\n$2\r\n-1\r\n");
  EXPECT_EQ(psync.state(), State::asking);
}

TEST(Psync, AsksForARangeWithoutRdbOnly) {
  Psync psync({"", "secret", StreamRange{kReplid, 101, 200}});
  EXPECT_EQ(psync.begin(), "*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n");
  psync.feed("+OK\r\n");
  psync.feed("+PONG\r\n");
  EXPECT_EQ(psync.feed("+OK\r\n").send,
            "*3\r\n$5\r\nPSYNC\r\n$40\r\n" + kReplid + "\r\n$3\r\n101\r\n");
}

TEST(Psync, TakesADatasetOfKnownLengthInPiecesOfAnySize) {
  const std::string rdb = make_rdb("dataset");
  const std::string script =
      kGranted + "\n\n$" + std::to_string(rdb.size()) + "\r\n" + rdb + "*1\r\n$4\r\nPING\r\n";
  for (std::size_t piece = 1; piece <= script.size(); ++piece) {
    EXPECT_EQ(hear(script, {}, piece), (Outcome{State::done, rdb, ""})) << piece;
  }
}

TEST(Psync, TakesADisklessDatasetWhereverItsMarkIsSplit) {
  const std::string rdb = make_rdb("dataset with 0123456789 in it");
  const std::string before = kGranted + "\n$EOF:" + kMark + "\r\n" + rdb;
  const std::string script = before + kMark;
  for (std::size_t split = 0; split <= kMark.size(); ++split) {
    Psync psync({});
    psync.begin();
    const std::string_view bytes = script;
    std::string payload(psync.feed(bytes.substr(0, before.size() + split)).payload);
    payload += psync.feed(bytes.substr(before.size() + split)).payload;
    EXPECT_EQ(payload, rdb) << split;
    EXPECT_TRUE(psync.done()) << split;
  }
  for (std::size_t piece = 1; piece <= script.size(); ++piece) {
    EXPECT_EQ(hear(script, {}, piece), (Outcome{State::done, rdb, ""})) << piece;
  }
}

TEST(Psync, ADisklessDatasetMayHoldTheBeginningOfItsMark) {
  const std::string rdb = make_rdb(kMark.substr(0, 39) + kMark.substr(0, 20));
  const std::string script = kGranted + "$EOF:" + kMark + "\r\n" + rdb + kMark;
  for (std::size_t piece = 1; piece <= script.size(); ++piece) {
    EXPECT_EQ(hear(script, {}, piece), (Outcome{State::done, rdb, ""})) << piece;
  }
}

TEST(Psync, AScriptThatIsCutAnywhereFailsAndSaysWhere) {
  const std::string rdb = make_rdb("dataset");
  for (const std::string& script : {kGranted + "$" + std::to_string(rdb.size()) + "\r\n" + rdb,
                                    kGranted + "$EOF:" + kMark + "\r\n" + rdb + kMark}) {
    for (std::size_t length = 0; length < script.size(); ++length) {
      const Outcome outcome = hear(script.substr(0, length));
      EXPECT_EQ(outcome.state, State::failed) << length;
      EXPECT_TRUE(outcome.problem.starts_with("the server closed the connection")) << length;
    }
  }
  EXPECT_EQ(problem_of("+PONG\r\n"), "the server closed the connection before it was asked");
  EXPECT_EQ(problem_of(kIntroduced), "the server closed the connection instead of answering PSYNC");
  EXPECT_EQ(problem_of(kGranted),
            "the server closed the connection before the RDB began; its log says why");
  EXPECT_EQ(problem_of(kGranted + "$50\r\n1234"),
            "the server closed the connection after 4 of 50 bytes");
}

TEST(Psync, ReportsWhatTheServerGranted) {
  Psync psync({});
  psync.begin();
  psync.feed(kGranted);
  EXPECT_EQ(psync.state(), State::preparing);
  EXPECT_EQ(psync.replid(), kReplid);
  EXPECT_EQ(psync.offset(), 1234);
  EXPECT_EQ(psync.total(), std::nullopt);
  psync.feed("$18\r\n");
  EXPECT_EQ(psync.total(), 18U);
}

TEST(Psync, TakesExactlyTheRangeThatWasAskedFor) {
  const std::string script = "+PONG\r\n+OK\r\n+CONTINUE " + kReplid + "\r\n0123456789and more";
  for (std::size_t piece = 1; piece <= script.size(); ++piece) {
    EXPECT_EQ(hear(script, range(101, 110), piece), (Outcome{State::done, "0123456789", ""}));
  }
  EXPECT_EQ(hear(script, range(101, 100)), (Outcome{State::done, "", ""}));
  EXPECT_EQ(hear("+PONG\r\n+OK\r\n+CONTINUE\r\n0123", range(1, 4)),
            (Outcome{State::done, "0123", ""}));
  EXPECT_EQ(hear(script, range(101, 200)).state, State::failed);
}

TEST(Psync, ARangeThatTheServerNoLongerHasIsAFailure) {
  EXPECT_EQ(problem_of("+PONG\r\n+OK\r\n+FULLRESYNC " + kReplid + " 9\r\n", range(101, 110)),
            "the server no longer has its commands from offset 101 on, or not under this replid");
}

TEST(Psync, GoesOnWhenTheServerDoesNotKnowRdbOnly) {
  const std::string rdb = make_rdb("dataset");
  EXPECT_EQ(hear("+PONG\r\n+OK\r\n-ERR Unrecognized REPLCONF option: rdb-only\r\n+FULLRESYNC " +
                 kReplid + " 0\r\n$" + std::to_string(rdb.size()) + "\r\n" + rdb),
            (Outcome{State::done, rdb, ""}));
}

TEST(Psync, EachRefusalHasItsSentence) {
  const PsyncRequest with_password{"backup", "secret", {}};
  EXPECT_EQ(
      problem_of("-WRONGPASS invalid username-password pair\r\n", with_password),
      "the server does not accept the password: \"WRONGPASS invalid username-password pair\"");
  EXPECT_EQ(problem_of("-NOAUTH Authentication required.\r\n"),
            "the server requires a password, and none was given");
  EXPECT_EQ(problem_of("+PONG\r\n+OK\r\n+OK\r\n-NOPERM this user has no permissions\r\n"),
            "the user may not run PSYNC; the rights it needs are +ping +replconf +psync");
  EXPECT_EQ(problem_of("-NOPERM no\r\n"),
            "the user may not run PING; the rights it needs are +ping +replconf +psync");
  EXPECT_EQ(problem_of(kIntroduced + "-NOMASTERLINK Can't SYNC while not connected\r\n"),
            "the server is a replica whose own link to its master is down, so it gives nothing");
  EXPECT_EQ(problem_of("-LOADING Redis is loading\r\n"), "the server is still loading its dataset");
  EXPECT_EQ(problem_of("-MASTERDOWN Link with MASTER is down\r\n"),
            "the server is a replica whose link to its master is down");
  EXPECT_EQ(problem_of("-MISCONF errors\r\n"),
            "the server cannot save to its disk and therefore refuses: \"MISCONF errors\"");
  EXPECT_EQ(problem_of("-ERR max number of clients reached\r\n"),
            "the server refuses PING: \"ERR max number of clients reached\"");
  EXPECT_EQ(problem_of("-DENIED Redis is running in protected mode\r\n"),
            "the server refuses PING: \"DENIED Redis is running in protected mode\"");
  EXPECT_EQ(problem_of(kGranted + "-ERR unable to save\r\n"),
            "the server refuses REPLCONF: \"ERR unable to save\"");
}

TEST(Psync, WhatIsNoRedisIsNamed) {
  EXPECT_EQ(problem_of("SSH-2.0-OpenSSH_9.2\r\n"),
            "the server does not speak as Redis: \"SSH-2.0-OpenSSH_9.2\"");
  EXPECT_EQ(problem_of(std::string(10000, 'x')),
            "the server sent a line of more than 4096 bytes; this is no Redis");
  EXPECT_EQ(problem_of(kIntroduced + "+FULLRESYNC nonsense\r\n"),
            "the server's answer to PSYNC is not understood: \"+FULLRESYNC nonsense\"");
  EXPECT_EQ(problem_of(kIntroduced + "+CONTINUE\r\n"),
            "the server goes on with a stream that was not asked for: \"+CONTINUE\"");
  for (const std::string header :
       {"$-1", "$", "$12x", "$EOF:short", "+OK", "$99999999999999999999"}) {
    EXPECT_EQ(problem_of(kGranted + header + "\r\n"), "no RDB follows, but \"" + header + '"');
  }
}

TEST(Psync, AGiantLengthIsNotHeld) {
  Psync psync({});
  psync.begin();
  psync.feed(kGranted + "$18446744073709551615\r\n");
  const std::string piece(65536, 'x');
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(psync.feed(piece).payload.data(), piece.data());
  EXPECT_EQ(psync.received(), 65536000U);
}

TEST(Psync, EmptyLinesAreNotHeldEither) {
  Psync psync({});
  psync.begin();
  psync.feed(kIntroduced);
  EXPECT_EQ(psync.feed(std::string(100000, '\n')).send, "");
  EXPECT_EQ(psync.state(), State::asking);
}

}  // namespace
}  // namespace hooks
