// What /proc says about this process. See metrics_page.hpp.
#include <sys/resource.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>

#include "agent/io/metrics_page.hpp"

namespace agent::io {
namespace {

constexpr double kMicro = 1e6;
constexpr double kNano = 1e9;

double in_seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / kMicro;
}

double now_by(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / kNano;
}

// Of /proc/self/stat: field 22, in ticks since boot. The name of the program, field 2, may hold
// blanks and ends with the last bracket.
double start_since_boot() {
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  const auto name_end = line.rfind(')');
  if (name_end == std::string::npos) return 0;
  constexpr int kBehindTheName = 20;
  std::istringstream fields(line.substr(name_end + 1));
  std::string field;
  for (int i = 0; i < kBehindTheName && fields >> field; ++i) {
  }
  return std::strtod(field.c_str(), nullptr) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace

ProcessFacts read_process_facts() {
  ProcessFacts out;
  double pages = 0;
  double resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  const auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
  out.virtual_bytes = pages * page;
  out.resident_bytes = resident * page;
  struct rusage used {};
  if (::getrusage(RUSAGE_SELF, &used) == 0) {
    out.cpu_seconds = in_seconds(used.ru_utime) + in_seconds(used.ru_stime);
  }
  if (const double start = start_since_boot(); start > 0) {
    out.start_seconds = now_by(CLOCK_REALTIME) - now_by(CLOCK_BOOTTIME) + start;
  }
  std::error_code error;
  std::filesystem::directory_iterator fds("/proc/self/fd", error);
  // Without the one that this look has open.
  if (!error) out.open_fds = static_cast<double>(std::distance(begin(fds), end(fds)) - 1);
  struct rlimit limit {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) out.max_fds = static_cast<double>(limit.rlim_cur);
  return out;
}

}  // namespace agent::io
