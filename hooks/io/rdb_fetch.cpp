// One fetch: open the temporary -> connect -> converse -> bytes to the disk -> verify and place.
// Network and disk are joined by a bounded queue: when it is full nothing is read, and the kernel
// and then the server wait.
#include "hooks/io/rdb_fetch.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <ctime>
#include <utility>

#include "health/io/server_socket.hpp"

namespace hooks::io {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

constexpr auto kTick = std::chrono::milliseconds(100);

std::string in_seconds(health::Duration duration) {
  const auto count = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  if (count % 1000 == 0) return std::to_string(count / 1000) + " s";
  return std::to_string(count) + " ms";
}

}  // namespace

struct RdbFetch::Impl : std::enable_shared_from_this<Impl> {
  enum class Phase : std::uint8_t { opening, connecting, talking, finishing, ending, ended };

  Impl(asio::any_io_executor loop_in, const asio::any_io_executor& disk_in, FetchRequest wanted,
       std::shared_ptr<ByteStream> connection, Events told)
      : loop(std::move(loop_in)),
        disk(asio::make_strand(disk_in)),
        request(std::move(wanted)),
        events(std::move(told)),
        stream(std::move(connection)),
        file(std::make_shared<FetchFile>(FetchFileRequest{request.target, request.keep,
                                                          request.conversation.range.has_value(),
                                                          request.loaded_by, request.as})),
        psync(request.conversation),
        ticker(loop) {}

  void start();
  void connect();
  void talk();
  void send(std::string bytes);
  void read();
  void take(const error_code& error, std::string_view bytes);
  void hear(std::string_view bytes);
  void store(std::string_view payload);
  void stored(std::size_t size);
  void finish();
  void tick();
  void report(Clock::time_point now);
  void fail(std::string why);
  void end(const FetchResult& result);
  void stop();
  bool over() const { return phase == Phase::ending || phase == Phase::ended; }
  std::string of_server(const std::string& why) const {
    return request.server.to_string() + ": " + why;
  }

  // Does `work` on the disk's thread and goes on with its answer, unless all is over by then.
  template <typename Work, typename Then>
  void on_disk(Work work, Then then);
  // Closes all, and does `then` on the loop once the disk has let go of the file.
  template <typename Then>
  void drop(Then then);

  asio::any_io_executor loop;
  asio::strand<asio::any_io_executor> disk;
  FetchRequest request;
  Events events;
  std::shared_ptr<ByteStream> stream;
  std::shared_ptr<FetchFile> file;
  Psync psync;
  TransferRate rate;
  asio::steady_timer ticker;

  Phase phase = Phase::opening;
  Clock::time_point started;
  Clock::time_point phase_began;
  Clock::time_point last_heard;
  std::size_t queued = 0;
  bool reading = false;
  bool expected = false;  // the disk knows the total
};

template <typename Work, typename Then>
void RdbFetch::Impl::on_disk(Work work, Then then) {
  asio::post(disk, [held = file, work = std::move(work), then = std::move(then),
                    guard = asio::make_work_guard(loop), weak = weak_from_this()]() mutable {
    auto answer = work(*held);
    asio::post(guard.get_executor(), [weak = std::move(weak), then = std::move(then),
                                      answer = std::move(answer)]() mutable {
      const auto self = weak.lock();
      if (self && !self->over()) then(*self, std::move(answer));
    });
  });
}

void RdbFetch::Impl::start() {
  started = phase_began = last_heard = Clock::now();
  tick();
  on_disk([](FetchFile& opened) { return opened.open(); },
          [](Impl& self, std::optional<std::string> problem) {
            if (problem) return self.fail(std::move(*problem));
            self.connect();
          });
}

void RdbFetch::Impl::connect() {
  phase = Phase::connecting;
  phase_began = Clock::now();
  stream->connect([weak = weak_from_this()](const error_code& error) {
    const auto self = weak.lock();
    if (!self || self->over()) return;
    if (error)
      return self->fail(self->of_server("cannot be reached: " + self->stream->words(error)));
    self->talk();
  });
}

void RdbFetch::Impl::talk() {
  phase = Phase::talking;
  last_heard = Clock::now();
  send(psync.begin());
  read();
}

// A failed write is followed by a failed read, which tells it.
void RdbFetch::Impl::send(std::string bytes) {
  if (!bytes.empty()) stream->write(std::move(bytes), [](const error_code&) {});
}

void RdbFetch::Impl::read() {
  reading = true;
  stream->read([weak = weak_from_this()](const error_code& error, std::string_view bytes) {
    const auto self = weak.lock();
    if (self && self->phase == Phase::talking) self->take(error, bytes);
  });
}

void RdbFetch::Impl::take(const error_code& error, std::string_view bytes) {
  reading = false;
  last_heard = Clock::now();
  if (!error) return hear(bytes);
  if (error == asio::error::eof) {
    psync.closed();
    return fail(of_server(psync.problem()));
  }
  // A server with TLS judges our certificate after our own half of the handshake.
  const bool refused = health::io::ServerSocket::is_refusal(error) && psync.received() == 0;
  const std::string what = refused ? "cannot be reached: " : "the connection was lost: ";
  fail(of_server(what + stream->words(error)));
}

void RdbFetch::Impl::hear(std::string_view bytes) {
  const Psync::Step step = psync.feed(bytes);
  if (psync.state() == Psync::State::failed) return fail(of_server(psync.problem()));
  send(step.send);
  if (psync.total() && !expected) {
    expected = true;
    on_disk([total = *psync.total()](FetchFile& opened) { return opened.expect(total); },
            [](Impl& self, std::optional<std::string> problem) {
              if (problem) self.fail(std::move(*problem));
            });
  }
  store(step.payload);
  if (psync.done()) return finish();
  if (queued < request.max_queued_bytes) read();
}

void RdbFetch::Impl::store(std::string_view payload) {
  if (payload.empty()) return;
  queued += payload.size();
  on_disk([bytes = std::string(payload)](FetchFile& opened) { return opened.append(bytes); },
          [size = payload.size()](Impl& self, std::optional<std::string> problem) {
            if (problem) return self.fail(self.of_server(*problem));
            self.stored(size);
          });
}

void RdbFetch::Impl::stored(std::size_t size) {
  queued -= size;
  if (phase != Phase::talking || reading || queued >= request.max_queued_bytes) return;
  last_heard = Clock::now();
  read();
}

void RdbFetch::Impl::finish() {
  phase = Phase::finishing;
  stream->close();
  on_disk([now = std::time(nullptr)](FetchFile& whole) { return whole.finish(now); },
          [](Impl& self, std::variant<FetchedFile, std::string> result) {
            if (auto* problem = std::get_if<std::string>(&result)) {
              return self.fail(self.of_server(*problem));
            }
            self.report(Clock::now());
            self.end(Fetched{std::get<FetchedFile>(std::move(result)), self.psync.replid(),
                             self.psync.offset(), Clock::now() - self.started});
          });
}

void RdbFetch::Impl::tick() {
  ticker.expires_after(kTick);
  ticker.async_wait([weak = weak_from_this()](const error_code& error) {
    const auto self = weak.lock();
    if (error || !self || self->over()) return;
    const auto now = Clock::now();
    if (self->request.budget && now - self->started > *self->request.budget) {
      return self->fail(self->of_server("not fetched within " + in_seconds(*self->request.budget)));
    }
    if (self->phase == Phase::connecting &&
        now - self->phase_began > self->request.connect_timeout) {
      return self->fail(
          self->of_server("no answer within " + in_seconds(self->request.connect_timeout)));
    }
    // While nothing is read because the disk is behind, the server's silence is ours.
    if (self->phase == Phase::talking && self->reading &&
        now - self->last_heard > self->request.stall_timeout) {
      return self->fail(self->of_server("the server has sent nothing for " +
                                        in_seconds(self->request.stall_timeout) + ", after " +
                                        std::to_string(self->psync.received()) + " bytes"));
    }
    self->report(now);
    if (!self->over()) self->tick();
  });
}

void RdbFetch::Impl::report(Clock::time_point now) {
  const bool granted = psync.state() == Psync::State::preparing ||
                       psync.state() == Psync::State::transferring || psync.done();
  if (!granted) return;
  const TransferProgress progress = rate.sample(now, psync.received(), psync.total());
  const auto tell = events.progress;  // which may cancel, and so drop the events
  if (tell) tell(progress);
}

void RdbFetch::Impl::fail(std::string why) {
  end(std::move(why));
}

// Who hears the end finds no temporary any more: it goes first, on the disk's thread, after what
// was queued there.
void RdbFetch::Impl::end(const FetchResult& result) {
  if (over()) return;
  phase = Phase::ending;
  drop([result, weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self || self->phase == Phase::ended) return;
    self->phase = Phase::ended;
    const auto finished = std::exchange(self->events, Events{}).finished;
    if (finished) finished(result);
  });
}

void RdbFetch::Impl::stop() {
  const bool dropped = over();
  phase = Phase::ended;
  events = {};
  if (!dropped) drop([] {});
}

template <typename Then>
void RdbFetch::Impl::drop(Then then) {
  ticker.cancel();
  stream->close();
  file->cancel();
  asio::post(disk, [held = std::move(file), guard = asio::make_work_guard(loop),
                    then = std::move(then)]() mutable {
    held.reset();
    asio::post(guard.get_executor(), std::move(then));
  });
}

RdbFetch::RdbFetch(asio::any_io_executor loop, asio::any_io_executor disk)
    : loop_(std::move(loop)), disk_(std::move(disk)) {}

RdbFetch::~RdbFetch() {
  cancel();
}

void RdbFetch::start(FetchRequest request, Events events) {
  auto stream = make_stream(loop_, request.server);
  start(std::move(request), std::move(stream), std::move(events));
}

void RdbFetch::start(FetchRequest request, std::shared_ptr<ByteStream> stream, Events events) {
  cancel();
  impl_ = std::make_shared<Impl>(loop_, disk_, std::move(request), std::move(stream),
                                 std::move(events));
  impl_->start();
}

void RdbFetch::cancel() {
  if (impl_) impl_->stop();
}

bool RdbFetch::busy() const {
  return impl_ && impl_->phase != Impl::Phase::ended;
}

}  // namespace hooks::io
