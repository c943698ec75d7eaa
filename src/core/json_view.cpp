#include "core/json_view.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <utility>

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
    switch (token_->kind)
    {
        case json::kind::null:
            break;
        case json::kind::bool_:
            return json::value(token_->flag, storage);
        case json::kind::int64:
            return json::value(token_->int64, storage);
        case json::kind::uint64:
            return json::value(token_->uint64, storage);
        case json::kind::double_:
            return json::value(token_->number, storage);
        case json::kind::string:
            return json::value(text(), storage);
        case json::kind::array:
        {
            json::array array(storage);
            array.reserve(size());
            for (const auto element : elements())
                array.push_back(element.to_value(storage));
            return json::value(std::move(array));
        }
        case json::kind::object:
        {
            json::object object(storage);
            object.reserve(size());
            for (const auto& member : members())
                object.emplace(member.key, member.value.to_value(storage));
            return json::value(std::move(object));
        }
    }
    return json::value(storage);
}

}  // namespace regolo::core
