// The one translation unit that compiles Asio itself (BOOST_ASIO_SEPARATE_COMPILATION); everyone
// else only includes its declarations.
#include <boost/asio/impl/src.hpp>
