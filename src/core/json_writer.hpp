#pragma once

#include <regolo/error.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace regolo::core {

/** The text of a request body. Doubles get the shortest digits that read back as the same number.
    Fails with `errc::invalid_request` and the path of the member for a number that is not finite or text
    that is not UTF-8, names of members included. */
result<std::string> serialize_request(const boost::json::value& json);

/// The same for what came from a server: it cannot fail, and a number without JSON form becomes null.
std::string serialize_text(const boost::json::value& json);

/// A request that cannot be sent as it is.
error_info invalid_request(std::string message);

/// What holds for a whole document while it is built: the memory that it lives in.
struct write_context
{
    boost::json::storage_ptr storage;
};

/// A value made from its parts; braces around them would mean an array.
template <class T>
boost::json::value make_value(const T& from, const write_context& context)
{
    boost::json::value made(from, context.storage);
    return made;
}

/** `write_json(value, context)` gives the JSON of one value. Every noun has its overload in its codec. */
inline boost::json::value write_json(const std::string& text, const write_context& context)
{
    return make_value(std::string_view(text), context);
}
inline boost::json::value write_json(std::int64_t number, const write_context& context)
{
    return make_value(number, context);
}
inline boost::json::value write_json(std::uint8_t number, const write_context& context)
{
    return make_value(std::int64_t{number}, context);
}
inline boost::json::value write_json(double number, const write_context& context)
{
    return make_value(number, context);
}
inline boost::json::value write_json(bool flag, const write_context& context)
{
    return make_value(flag, context);
}
inline boost::json::value write_json(const boost::json::object& object,
                                     const write_context& context)
{
    return make_value(object, context);
}
inline boost::json::value write_json(const boost::json::array& array, const write_context& context)
{
    return make_value(array, context);
}
inline boost::json::value write_json(const boost::json::value& json, const write_context& context)
{
    return make_value(json, context);
}

template <class T>
boost::json::value write_json(const std::vector<T>& items, const write_context& context)
{
    boost::json::array array(context.storage);
    array.reserve(items.size());
    for (const auto& item : items)
        array.push_back(write_json(item, context));
    return array;
}

/** Builds an object of what is set.

    @code
    object_writer out(context);
    out.put("id", value.id);
    return std::move(out).with(value.extra);
    @endcode
*/
class object_writer
{
public:
    explicit object_writer(const write_context& context)
        : context_(context), object_(context.storage)
    {}

    /// Unless it is unset: an empty optional, text, vector, array or object, or null.
    template <class T>
    void put(std::string_view key, const T& value)
    {
        if constexpr (requires { value.has_value(); })
        {
            if (value)
                add(key, write_json(*value, context_));
        }
        else if constexpr (requires { value.is_null(); })
        {
            if (!value.is_null())
                always(key, value);
        }
        else if constexpr (requires { value.empty(); })
        {
            if (!value.empty())
                always(key, value);
        }
        else
        {
            always(key, value);
        }
    }

    /// Also where it is empty.
    template <class T>
    void always(std::string_view key, const T& value)
    {
        object_.insert_or_assign(key, write_json(value, context_));
    }
    /// One that is written already, unless it is null: a noun that says nothing.
    void add(std::string_view key, boost::json::value&& written)
    {
        if (!written.is_null())
            object_.insert_or_assign(key, std::move(written));
    }
    void null(std::string_view key) { object_.insert_or_assign(key, nullptr); }

    [[nodiscard]] bool empty() const noexcept { return object_.empty(); }
    [[nodiscard]] const write_context& context() const noexcept { return context_; }

    /// The object with further members, which win over those of the same name.
    [[nodiscard]] boost::json::value with(const boost::json::object& extra) &&
    {
        for (const auto& member : extra)
            object_.insert_or_assign(member.key(),
                                     boost::json::value(member.value(), object_.storage()));
        return std::move(object_);
    }

private:
    const write_context& context_;
    boost::json::object object_;
};

}  // namespace regolo::core
