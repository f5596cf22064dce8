// As asio.cpp, for Asio's half of TLS; apart, so that programs without TLS do not link libssl.
#include <boost/asio/ssl/impl/src.hpp>
