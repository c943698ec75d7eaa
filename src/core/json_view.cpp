#include "core/json_view.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace regolo::core {

namespace json = boost::json;

json_view json_view::empty_object() noexcept
{
    static constexpr json_token none{json::kind::object, 0, 0, {1}};
    return json_view(none);
}

double json_view::to_double() const noexcept
{
    if (is(json::kind::double_))
        return token_->number;
    return is(json::kind::int64) ? static_cast<double>(token_->int64)
                                 : static_cast<double>(token_->uint64);
}

json_view json_view::find(std::string_view key) const noexcept
{
    if (!is_object() || !may_have(key))
        return {};
    for (const auto& member : members())
        if (member.key == key)
            return member.value;
    return {};
}

json::value json_view::to_value(const json::storage_ptr& storage) const
{
    json::value made(storage);
    switch (token_->kind)
    {
        case json::kind::null:
            break;
        case json::kind::bool_:
            made.emplace_bool() = token_->flag;
            break;
        case json::kind::int64:
            made.emplace_int64() = token_->int64;
            break;
        case json::kind::uint64:
            made.emplace_uint64() = token_->uint64;
            break;
        case json::kind::double_:
            made.emplace_double() = token_->number;
            break;
        case json::kind::string:
            made.emplace_string() = text();
            break;
        case json::kind::array:
        {
            auto& array = made.emplace_array();
            array.reserve(size());
            for (const auto element : elements())
                array.push_back(element.to_value(storage));
            break;
        }
        case json::kind::object:
        {
            auto& object = made.emplace_object();
            object.reserve(size());
            for (const auto& member : members())
                object.emplace(member.key, member.value.to_value(storage));
            break;
        }
    }
    return made;
}

}  // namespace regolo::core
