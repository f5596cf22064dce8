// sd_notify as systemd hears it: a datagram socket in NOTIFY_SOCKET.
#include "agent/io/systemd.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <string>

namespace agent::io {
namespace {

// An abstract address, so that no file stays behind.
class Manager {
 public:
  Manager() : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    const std::string name = "tandem-notify-" + std::to_string(::getpid());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + 1, name.data(), name.size());
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), length), 0);
    ::setenv("NOTIFY_SOCKET", ("@" + name).c_str(), 1);
  }
  ~Manager() {
    ::unsetenv("NOTIFY_SOCKET");
    ::close(fd_);
  }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  std::string heard() const {
    std::array<char, 512> buffer{};
    const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
    return got < 0 ? "nothing" : std::string(buffer.data(), static_cast<std::size_t>(got));
  }

 private:
  int fd_;
};

TEST(Systemd, HearsReadyStatusAliveAndStopping) {
  const Manager manager;
  tell_ready();
  EXPECT_EQ(manager.heard(), "READY=1");
  tell_status("redis: leading");
  EXPECT_EQ(manager.heard(), "STATUS=redis: leading");
  tell_alive();
  EXPECT_EQ(manager.heard(), "WATCHDOG=1");
  tell_stopping();
  EXPECT_EQ(manager.heard(), "STOPPING=1");
}

TEST(Systemd, IsNotMissedWhenItIsNotThere) {
  ::unsetenv("NOTIFY_SOCKET");
  tell_ready();
  EXPECT_EQ(watchdog_interval(), std::nullopt);
}

TEST(Systemd, WatchdogIsFedTwiceAsOftenAsItBites) {
  ::setenv("WATCHDOG_USEC", "10000000", 1);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  EXPECT_EQ(watchdog_interval(), std::chrono::seconds(5));
  ::unsetenv("WATCHDOG_USEC");
  ::unsetenv("WATCHDOG_PID");
}

}  // namespace
}  // namespace agent::io
