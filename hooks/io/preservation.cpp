// Directory -> commands, before the backlog moves on -> dataset -> about.json -> old copies go.
#include "hooks/io/preservation.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <ctime>
#include <utility>

namespace hooks::io {
namespace {

namespace asio = boost::asio;

using Copy = std::shared_ptr<DivergedStore::Begun>;

struct Committed {
  std::string problem;
  DivergedPruned pruned;
  bool kept = true;
};

// A whole dataset that cannot be committed is still at the server, and its room is needed; what is
// there of a server that gave none may be the last of it.
Committed keep_copy(DivergedStore& store, const DivergedAbout& about, std::size_t keep) {
  Committed done;
  if (about.dataset || about.commands) {
    done.problem = store.commit(about);
    if (done.problem.empty()) done.pruned = store.prune(about.pair, keep, std::time(nullptr));
    if (done.problem.empty() || !about.dataset) return done;
  }
  store.abandon(about.pair, about.name);
  // What has had its hour may be what takes the room.
  done.pruned = store.prune(about.pair, keep, std::time(nullptr));
  done.kept = false;
  return done;
}

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
  void leave();

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
  Copy copy;  // written on the disk; none before it is begun and once its end is on the way
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
  copy = std::make_shared<DivergedStore::Begun>();
  on_disk(
      [made = copy, pair = about.pair, name = about.name](DivergedStore& kept) {
        *made = kept.begin(pair, name);
        return made;
      },
      [](Impl& self, const Copy& made) {
        self.result.problem = made->problem;
        self.result.path = made->path;
        self.result.about.name = made->name;
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
  on_disk([held = std::exchange(copy, nullptr), about = result.about,
           keep = request.keep](DivergedStore& kept) { return keep_copy(kept, about, keep); },
          [](Impl& self, Committed kept) {
            if (self.result.problem.empty()) self.result.problem = std::move(kept.problem);
            if (!kept.kept) self.result.path.clear();
            self.result.pruned = std::move(kept.pruned);
            self.finish();
          });
}

void Preservation::Impl::finish() {
  const auto self = shared_from_this();
  ++run_number;
  copy.reset();
  const Finished call = std::exchange(finished, nullptr);
  if (call) call(result);
}

// What was begun goes: the server has all of it when it leads, and it is copied anew when it waits.
// But the one that was restarted, or was made a replica by somebody, may have lost it: commands
// that are whole stay. Behind another turn of the disk, for what the fetch holds there is let go of
// on a strand.
void Preservation::Impl::leave() {
  const Copy left = std::exchange(copy, nullptr);
  if (!left) return;
  DivergedAbout about = result.about;
  about.dataset.reset();
  about.dataset_missing = "it was interrupted";
  asio::post(disk, [disk = disk, store = store, left, about, keep = request.keep] {
    asio::post(disk, [store, left, about, keep]() mutable {
      if (left->path.empty()) return;
      about.name = left->name;
      keep_copy(*store, about, keep);
    });
  });
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
  impl_->leave();
}

}  // namespace hooks::io
