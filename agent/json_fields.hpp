// Fields of a JSON object that may not be there, or be of another type: empty then. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace agent {

std::string text_of(const boost::json::object& object, std::string_view key);
// As JSON; "?" when it is none.
std::string number_of(const boost::json::object& object, std::string_view key);
std::optional<double> amount_of(const boost::json::object& object, std::string_view key);
bool flag_of(const boost::json::object& object, std::string_view key);
const boost::json::object& object_of(const boost::json::object& object, std::string_view key);
const boost::json::array& list_of(const boost::json::object& object, std::string_view key);

}  // namespace agent
