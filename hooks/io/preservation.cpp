// Directory -> commands, before the backlog moves on -> dataset -> about.json -> old copies go.
#include "hooks/io/preservation.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <ctime>
#include <utility>

namespace hooks::io {
namespace {

namespace asio = boost::asio;

struct Committed {
  std::string problem;
  DivergedPruned pruned;
};

}  // namespace

struct Preservation::Impl : std::enable_shared_from_this<Impl> {
  Impl(asio::any_io_executor loop_in, asio::any_io_executor disk_in,
       std::shared_ptr<DivergedStore> store_in)
      : loop(std::move(loop_in)),
        disk(std::move(disk_in)),
        store(std::move(store_in)),
        fetch(loop, disk) {}

  void start();
  void fetch_commands();
  void fetch_dataset();
  FetchRequest fetch_request(std::string_view file) const;
  void keep_commands(const FetchResult& result);
  void keep_dataset(const FetchResult& result);
  void commit();
  void finish();

  template <typename Work, typename Then>
  void on_disk(Work work, Then then);

  asio::any_io_executor loop;
  asio::any_io_executor disk;
  std::shared_ptr<DivergedStore> store;
  RdbFetch fetch;

  std::uint64_t run_number = 0;
  PreserveRequest request;
  Progress progress;
  Finished finished;
  Preserved result;
};

// The loop has work while the disk has.
template <typename Work, typename Then>
void Preservation::Impl::on_disk(Work work, Then then) {
  asio::post(disk, [held = store, work = std::move(work), then = std::move(then),
                    guard = asio::make_work_guard(loop), weak = weak_from_this(),
                    number = run_number]() mutable {
    auto answer = work(*held);
    asio::post(guard.get_executor(), [weak = std::move(weak), number, then = std::move(then),
                                      answer = std::move(answer)]() mutable {
      const auto self = weak.lock();
      if (self && self->run_number == number) then(*self, std::move(answer));
    });
  });
}

void Preservation::Impl::start() {
  result = {};
  DivergedAbout& about = result.about;
  about.pair = request.pair;
  about.name = {std::time(nullptr), request.epoch};
  about.why = request.why;
  about.server = request.server.to_string();
  about.replid = request.replid;
  about.keys = request.keys;
  about.precaution = request.precaution;
  about.commands_missing = request.commands_missing;
  if (request.lost) {
    about.replid = request.lost->replid;
    about.first_offset = request.lost->first;
    about.last_offset = request.lost->last;
  }
  on_disk([pair = about.pair,
           name = about.name](DivergedStore& kept) { return kept.begin(pair, name); },
          [](Impl& self, DivergedStore::Begun begun) {
            self.result.problem = std::move(begun.problem);
            self.result.path = std::move(begun.path);
            self.result.about.name = begun.name;
            if (!self.result.problem.empty()) return self.finish();
            self.fetch_commands();
          });
}

FetchRequest Preservation::Impl::fetch_request(std::string_view file) const {
  FetchRequest wanted;
  wanted.server = request.server;
  wanted.conversation.user = request.user;
  wanted.conversation.password = request.password;
  wanted.target = result.path + '/' + std::string(file);
  wanted.stall_timeout = request.stall_timeout;
  wanted.budget = request.budget;
  return wanted;
}

void Preservation::Impl::fetch_commands() {
  if (!request.lost || request.lost->bytes() == 0) return fetch_dataset();
  FetchRequest wanted = fetch_request(kCommandsFile);
  wanted.conversation.range = request.lost;
  fetch.start(std::move(wanted), {{}, [this](const FetchResult& fetched) {
                                    keep_commands(fetched);
                                    if (result.nothing_lost) return commit();
                                    fetch_dataset();
                                  }});
}

void Preservation::Impl::keep_commands(const FetchResult& fetched) {
  if (const auto* why = std::get_if<std::string>(&fetched)) {
    result.about.commands_missing = *why;
    return;
  }
  const auto& facts = std::get<StreamFacts>(std::get<Fetched>(fetched).file.facts);
  if (facts.commands == 0) {
    result.nothing_lost = true;
    return;
  }
  result.about.commands = KeptCommands{facts.bytes, facts.checksum, facts.commands, facts.selects};
}

void Preservation::Impl::fetch_dataset() {
  fetch.start(fetch_request(kDatasetFile), {progress, [this](const FetchResult& fetched) {
                                              keep_dataset(fetched);
                                              commit();
                                            }});
}

void Preservation::Impl::keep_dataset(const FetchResult& fetched) {
  if (const auto* why = std::get_if<std::string>(&fetched)) {
    result.problem = *why;
    result.about.dataset_missing = *why;
    return;
  }
  const auto& facts = std::get<RdbFacts>(std::get<Fetched>(fetched).file.facts);
  result.about.dataset = KeptDataset{facts.bytes, facts.checksum, facts.header.version};
}

void Preservation::Impl::commit() {
  on_disk(
      [about = result.about, keep = request.keep](DivergedStore& kept) {
        if (!about.dataset && !about.commands) {
          kept.abandon(about.pair, about.name);
          return Committed{};
        }
        Committed answer{kept.commit(about), {}};
        if (answer.problem.empty()) answer.pruned = kept.prune(about.pair, keep);
        return answer;
      },
      [](Impl& self, Committed kept) {
        if (self.result.problem.empty()) self.result.problem = std::move(kept.problem);
        if (!self.result.about.dataset && !self.result.about.commands) self.result.path.clear();
        self.result.pruned = std::move(kept.pruned);
        self.finish();
      });
}

void Preservation::Impl::finish() {
  const auto self = shared_from_this();
  ++run_number;
  const Finished call = std::exchange(finished, nullptr);
  if (call) call(result);
}

Preservation::Preservation(asio::any_io_executor loop, asio::any_io_executor disk,
                           std::shared_ptr<DivergedStore> store)
    : impl_(std::make_shared<Impl>(std::move(loop), std::move(disk), std::move(store))) {}

Preservation::~Preservation() {
  cancel();
}

void Preservation::run(PreserveRequest request, Progress progress, Finished finished) {
  cancel();
  impl_->request = std::move(request);
  impl_->progress = std::move(progress);
  impl_->finished = std::move(finished);
  impl_->start();
}

void Preservation::cancel() {
  ++impl_->run_number;
  impl_->fetch.cancel();
  impl_->finished = nullptr;
}

}  // namespace hooks::io
