// ./dev bench micro: by the clock with Google Benchmark, or, with `--repeat INDEX COUNT`, one
// operation so often and nothing else, for who counts instructions. `--list` names them.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <iostream>
#include <string_view>

#include "bench/micro/operations.hpp"

namespace {

int list() {
  for (const auto& each : micro::operations()) {
    std::cout << (each.counts ? "counts " : "clocks ") << each.name << "\n";
  }
  return 0;
}

int repeat(const char* index, const char* count) {
  const auto operation = micro::operations().at(std::strtoul(index, nullptr, 10)).prepare();
  for (auto left = std::strtoul(count, nullptr, 10); left > 0; --left) operation();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view verb = argc > 1 ? argv[1] : "";
  if (verb == "--list") return list();
  if (verb == "--repeat" && argc == 4) return repeat(argv[2], argv[3]);
  for (const auto& each : micro::operations()) {
    benchmark::RegisterBenchmark(each.name.c_str(), [&each](benchmark::State& state) {
      const auto operation = each.prepare();
      for (auto unused : state) {
        (void)unused;
        operation();
      }
    });
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
