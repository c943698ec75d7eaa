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

std::optional<std::int64_t> integer_of(const json::value& json) noexcept
{
    if (const auto* number = json.if_int64())
        return *number;
    if (const auto* number = json.if_double(); number != nullptr && in_range(*number))
    {
        if (std::trunc(*number) == *number)
            return static_cast<std::int64_t>(*number);
        return std::nullopt;
    }
    if (const auto* text = json.if_string())
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

bool read_json(const json::value& json, const json_place& place, std::string& out)
{
    const auto* text = json.if_string();
    if (text == nullptr)
        return place.fail("is not a string");
    out.assign(text->data(), text->size());
    return true;
}

bool read_json(const json::value& json, const json_place& place, bool& out)
{
    const auto* flag = json.if_bool();
    if (flag == nullptr)
        return place.fail("is not true or false");
    out = *flag;
    return true;
}

bool read_json(const json::value& json, const json_place& place, std::int64_t& out)
{
    const auto number = integer_of(json);
    if (!number)
        return place.fail("is not an integer");
    out = *number;
    return true;
}

bool read_json(const json::value& json, const json_place& place, std::uint8_t& out)
{
    const auto number = integer_of(json);
    if (!number || *number < 0 || *number > 255)
        return place.fail("is not a byte");
    out = static_cast<std::uint8_t>(*number);
    return true;
}

bool read_json(const json::value& json, const json_place& place, double& out)
{
    if (!json.is_number())
        return place.fail("is not a number");
    out = json.to_number<double>();
    return check_range(json, place);
}

bool read_json(const json::value& json, const json_place& place, json::object& out)
{
    const auto* object = json.if_object();
    if (object == nullptr)
        return place.fail("is not an object");
    out = *object;  // into the storage of `out`
    return check_range(json, place);
}

bool read_json(const json::value& json, const json_place& place, json::array& out)
{
    const auto* array = json.if_array();
    if (array == nullptr)
        return place.fail("is not an array");
    out = *array;
    return check_range(json, place);
}

bool read_json(const json::value& json, const json_place& place, json::value& out)
{
    out = json;
    return check_range(json, place);
}

bool check_range(const json::value& json, const json_place& place)
{
    if (const auto* number = json.if_double())
        return std::isfinite(*number) || place.fail("is beyond the range of a double");
    if (const auto* array = json.if_array())
    {
        for (std::size_t i = 0; i < array->size(); ++i)
            if (!check_range((*array)[i], place.element(i)))
                return false;
    }
    else if (const auto* object = json.if_object())
    {
        for (const auto& member : *object)
            if (!check_range(member.value(), place.member(member.key())))
                return false;
    }
    return true;
}

result<void> check_range(const json::value& document)
{
    read_context context(0);
    if (check_range(document, json_place(context)))
        return {};
    return context.take_failure();
}

object_reader::object_reader(const json::value& json, const json_place& place)
    : object_(json.if_object()), place_(place)
{
    if (object_ == nullptr)
        place.fail("is not an object");
}

bool object_reader::has(std::string_view key) const noexcept
{
    const auto* json = object_ == nullptr ? nullptr : object_->if_contains(key);
    return json != nullptr && !json->is_null();
}

const json::value* object_reader::take(std::string_view key)
{
    if (object_ == nullptr)
        return nullptr;
    const auto* const found = object_->find(key);
    if (found == object_->end())
        return nullptr;
    const auto position = static_cast<std::size_t>(found - object_->begin());
    if (position < 64)
        taken_ |= std::uint64_t{1} << position;
    else
        far_taken_.push_back(position);
    return found->value().is_null() ? nullptr : &found->value();
}

void object_reader::give_back(std::string_view key)
{
    const auto* const found = object_->find(key);
    if (found == object_->end())
        return;
    const auto position = static_cast<std::size_t>(found - object_->begin());
    if (position < 64)
        taken_ &= ~(std::uint64_t{1} << position);
    else
        std::erase(far_taken_, position);
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
    if (object_ == nullptr)
        return;
    for (std::size_t i = 0; i < object_->size(); ++i)
    {
        if (is_taken(i))
            continue;
        const auto& member = object_->begin()[i];
        check_range(member.value(), place_.member(member.key()));
        // the document's memory goes away: copy into the storage of `extra`
        extra.emplace(member.key(), json::value(member.value(), extra.storage()));
    }
}

bool read_index(object_reader& in, std::string_view key, std::int64_t fallback,
                bool negative_is_zero, std::int64_t& out)
{
    out = fallback;
    const auto place = in.place().member(key);
    if (const auto* json = in.take(key); json != nullptr && !read_json(*json, place, out))
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
    if (const auto* json = in.take(key); json != nullptr && !read_json(*json, place, out))
        return false;
    return out >= 0 || place.fail("is negative");
}

void read_seconds(object_reader& in, std::string_view key, std::int64_t& out)
{
    out = 0;
    const auto* json = in.take(key);
    if (json == nullptr)
        return;
    if (const auto* fraction = json->if_double(); fraction != nullptr && in_range(*fraction))
        out = static_cast<std::int64_t>(*fraction);
    else if (const auto number = integer_of(*json))
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
