#include "core/json_reader.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace regolo::core {

namespace json = boost::json;

namespace {

// A double that converts to std::int64_t without loss of its integral part.
bool in_range(double number) noexcept
{
    return number >= -9223372036854775808.0 && number < 9223372036854775808.0;
}

std::optional<std::int64_t> integer_of_text(std::string_view text) noexcept
{
    std::int64_t number = 0;
    const auto* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, number);
    if (parsed.ec != std::errc{} || parsed.ptr != end)
        return std::nullopt;
    return number;
}

std::optional<std::int64_t> integer_of(json_view json) noexcept
{
    if (const auto number = json.if_int64())
        return number;
    if (const auto number = json.if_double(); number && in_range(*number))
    {
        if (std::trunc(*number) == *number)
            return static_cast<std::int64_t>(*number);
        return std::nullopt;
    }
    if (const auto text = json.if_string())
        return integer_of_text(*text);
    return std::nullopt;  // unsigned numbers are those that do not fit
}

}  // namespace

std::string json_place::path() const
{
    if (parent_ == nullptr)
        return {};
    auto text = parent_->path();
    if (key_.empty())
        return text + '[' + std::to_string(index_) + ']';
    if (!text.empty())
        text += '.';
    return text.append(key_);
}

bool json_place::fail(std::string_view problem) const
{
    const auto where = path();
    auto text = where.empty() ? std::string("the response ") : "the response's \"" + where + "\" ";
    context_->put_down(bad_response(text.append(problem)));
    return false;
}

bool read_json(json_view json, const json_place& place, std::string& out)
{
    if (!json.is_string())
        return place.fail("is not a string");
    out.assign(json.text());
    return true;
}

bool read_json(json_view json, const json_place& place, shared_string& out)
{
    if (!json.is_string())
        return place.fail("is not a string");
    if (out != json.text())
        out = json.text();
    return true;
}

bool read_json(json_view json, const json_place& place, bool& out)
{
    const auto flag = json.if_bool();
    if (!flag)
        return place.fail("is not true or false");
    out = *flag;
    return true;
}

bool read_json(json_view json, const json_place& place, std::int64_t& out)
{
    const auto number = integer_of(json);
    if (!number)
        return place.fail("is not an integer");
    out = *number;
    return true;
}

bool read_json(json_view json, const json_place& place, std::uint8_t& out)
{
    const auto number = integer_of(json);
    if (!number || *number < 0 || *number > 255)
        return place.fail("is not a byte");
    out = static_cast<std::uint8_t>(*number);
    return true;
}

bool read_json(json_view json, const json_place& place, double& out)
{
    if (!json.is_number())
        return place.fail("is not a number");
    out = json.to_double();
    return check_range(json, place);
}

bool read_json(json_view json, const json_place& place, json::object& out)
{
    if (!json.is_object())
        return place.fail("is not an object");
    out = json.to_value(out.storage()).get_object();
    return check_range(json, place);
}

bool read_json(json_view json, const json_place& place, json::array& out)
{
    if (!json.is_array())
        return place.fail("is not an array");
    out = json.to_value(out.storage()).get_array();
    return check_range(json, place);
}

bool read_json(json_view json, const json_place& place, json::value& out)
{
    out = json.to_value(out.storage());
    return check_range(json, place);
}

bool check_range(json_view json, const json_place& place)
{
    if (const auto number = json.if_double())
        return std::isfinite(*number) || place.fail("is beyond the range of a double");
    if (json.is_array())
    {
        std::size_t i = 0;
        for (const auto element : json.elements())
            if (!check_range(element, place.element(i++)))
                return false;
    }
    else if (json.is_object())
    {
        for (const auto& member : json.members())
            if (!check_range(member.value, place.member(member.key)))
                return false;
    }
    return true;
}

result<void> check_range(json_view document)
{
    read_context context(0);
    if (check_range(document, json_place(context)))
        return {};
    return context.take_failure();
}

object_reader::object_reader(json_view json, const json_place& place)
    : is_object_(json.is_object()),
      object_(is_object_ ? json : json_view::empty_object()),
      members_(object_.members()),
      place_(place),
      next_{members_.begin(), 0}
{
    if (!is_object_)
        place.fail("is not an object");
}

object_reader::found object_reader::find(std::string_view key) const noexcept
{
    const auto end = members_.end();
    if (!object_.may_have(key))
        return {end, 0};
    for (auto one = next_; one.at != end; ++one.at, ++one.position)
        if (one.at.key() == key)
            return one;
    for (auto one = found{members_.begin(), 0}; one.at != next_.at; ++one.at, ++one.position)
        if (one.at.key() == key)
            return one;
    return {end, 0};
}

bool object_reader::has(std::string_view key) const noexcept
{
    const auto one = find(key);
    return one.at != members_.end() && !(*one.at).value.is_null();
}

json_view object_reader::take_found(std::string_view key)
{
    // Documents nearly always have them in the order in which they are asked for.
    const bool is_next = next_.at != members_.end() && next_.at.key() == key;
    const auto one = is_next ? next_ : find(key);
    if (one.at == members_.end())
        return {};
    if (one.position < 64)
        taken_ |= std::uint64_t{1} << one.position;
    else
        far_taken_.push_back(one.position);
    next_ = one;
    ++next_.at;
    ++next_.position;
    const auto json = (*one.at).value;
    return json.is_null() ? json_view() : json;
}

void object_reader::give_back(std::string_view key)
{
    const auto one = find(key);
    if (one.at == members_.end())
        return;
    if (one.position < 64)
        taken_ &= ~(std::uint64_t{1} << one.position);
    else
        std::erase(far_taken_, one.position);
}

bool object_reader::is_taken(std::size_t position) const noexcept
{
    if (position < 64)
        return (taken_ >> position & 1U) != 0;
    return std::find(far_taken_.begin(), far_taken_.end(), position) != far_taken_.end();
}

void object_reader::rest(json::object& extra) const
{
    if (!extra.empty())
        extra.clear();
    if (object_.size() < 64 && taken_ == (std::uint64_t{1} << object_.size()) - 1)
        return;
    std::size_t position = 0;
    for (const auto& member : members_)
    {
        if (is_taken(position++))
            continue;
        check_range(member.value, place_.member(member.key));
        extra.emplace(member.key, member.value.to_value(extra.storage()));
    }
}

bool read_index(object_reader& in, std::string_view key, std::int64_t fallback,
                bool negative_is_zero, std::int64_t& out)
{
    out = fallback;
    const auto place = in.place().member(key);
    if (const auto json = in.take(key); json && !read_json(json, place, out))
        return false;
    if (out < 0 && negative_is_zero)
        out = 0;
    const auto bound = place.context().max_index();
    if (out >= 0 && static_cast<std::uint64_t>(out) < bound)
        return true;
    return place.fail("is " + std::to_string(out) + ", which is not below limits::index (" +
                      std::to_string(bound) + ')');
}

bool read_position(object_reader& in, std::string_view key, std::int64_t& out)
{
    out = in.place().position();
    const auto place = in.place().member(key);
    if (const auto json = in.take(key); json && !read_json(json, place, out))
        return false;
    return out >= 0 || place.fail("is negative");
}

void read_seconds(object_reader& in, std::string_view key, std::int64_t& out)
{
    out = 0;
    const auto json = in.take(key);
    if (!json)
        return;
    if (const auto fraction = json.if_double(); fraction && in_range(*fraction))
        out = static_cast<std::int64_t>(*fraction);
    else if (const auto number = integer_of(json))
        out = *number;
    else
        in.give_back(key);
}

error_info bad_response(std::string message)
{
    error_info info;
    info.code = errc::bad_response;
    info.where = phase::body;
    info.message = std::move(message);
    return info;
}

}  // namespace regolo::core
