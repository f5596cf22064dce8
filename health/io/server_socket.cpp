// See server_socket.hpp.
#include "health/io/server_socket.hpp"

#include <boost/asio/ssl/error.hpp>
#include <boost/asio/write.hpp>
#include <utility>

namespace health::io {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// A killed server ends the connection without TLS's own farewell.
error_code as_plain(const error_code& error) {
  if (error == asio::ssl::error::stream_truncated) return asio::error::eof;
  return error;
}

}  // namespace

ServerSocket::ServerSocket(const asio::any_io_executor& executor, const ServerAddress& address)
    : socket_(executor), client_(address.tls) {
  if (!client_) return;
  tls_.emplace(socket_, client_->context());
  client_->prepare(tls_->native_handle(), address.host, refusal_);
}

void ServerSocket::connect(const Lowest::endpoint_type& endpoint, Done done) {
  socket_.async_connect(endpoint, [self = shared_from_this(), done = std::move(done)](
                                      const error_code& error) { done(error); });
}

void ServerSocket::handshake(Done done) {
  tls_->async_handshake(asio::ssl::stream_base::client,
                        [self = shared_from_this(), done = std::move(done)](
                            const error_code& error) { done(as_plain(error)); });
}

void ServerSocket::read_some(const asio::mutable_buffer& buffer, Moved done) {
  auto handler = [self = shared_from_this(), done = std::move(done)](
                     const error_code& error, std::size_t size) { done(as_plain(error), size); };
  if (tls_) return tls_->async_read_some(buffer, std::move(handler));
  socket_.async_read_some(buffer, std::move(handler));
}

void ServerSocket::write(const asio::const_buffer& bytes, Moved done) {
  auto handler = [self = shared_from_this(), done = std::move(done)](
                     const error_code& error, std::size_t size) { done(as_plain(error), size); };
  if (tls_) return asio::async_write(*tls_, bytes, std::move(handler));
  asio::async_write(socket_, bytes, std::move(handler));
}

void ServerSocket::close() {
  error_code ignored;
  socket_.close(ignored);
}

std::string ServerSocket::words(const error_code& error) const {
  if (!is_refusal(error)) return error.message();
  return refusal_.why.empty() ? client_->words(error) : refusal_.why;
}

bool ServerSocket::is_refusal(const error_code& error) {
  return error.category() == asio::error::get_ssl_category();
}

}  // namespace health::io
