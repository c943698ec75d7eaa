#include "core/json_merge.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace regolo::core {

namespace json = boost::json;

namespace {

/// A member whose text is whole each time it is sent, while others may come in pieces.
bool is_label(std::string_view name) noexcept
{
    constexpr auto labels = std::to_array<std::string_view>(
        {"id", "type", "name", "role", "object", "model", "provider", "status", "format",
         "language", "channel", "signature", "thought_signature"});
    return std::find(labels.begin(), labels.end(), name) != labels.end();
}

struct member_place;

/// Where an object is: in one place if it is a root, otherwise it is a member.
struct object_place
{
    json::object* root;
    const member_place* in;  // null pointer: the root itself

    [[nodiscard]] json::object& get() const noexcept;
};

/// Where a member is. It moves when its object gets another one, so that it is looked up anew each time.
struct member_place
{
    object_place object;
    std::string_view name;

    [[nodiscard]] json::value& get() const noexcept { return *object.get().if_contains(name); }
};

json::object& object_place::get() const noexcept
{
    return in == nullptr ? *root : in->get().get_object();
}

/// Before members are added, which come behind the others.
void keep_members(undo_log& done, const object_place& place)
{
    done.add([place, size = place.get().size()]() noexcept {
        auto& object = place.get();
        while (object.size() != size)
            object.erase(object.end() - 1);
    });
}

/// Undoes that a value was replaced.
/// @tparam Find  gives the value, wherever it is, without a throw
template <class Find>
struct replaced_value
{
    Find find;
    json::value other;  // the new one, and from the exchange on the old one

    void operator()() noexcept { find().swap(other); }
};

template <class Find>
void replace_value(undo_log& done, Find find, json::value& into, json::value&& by)
{
    auto& replaced = done.add(replaced_value<Find>{find, std::move(by)});
    into.swap(replaced.other);
}

/// Adds a value to another; not both of them are objects.
template <class Find>
void change(undo_log& done, Find find, json::value& into, const json::value& next, merge how)
{
    if (how != merge::replace && into.is_array() && next.is_array())
    {
        auto& array = into.get_array();
        done.add([find, size = array.size()]() noexcept { find().get_array().resize(size); });
        for (const auto& element : next.get_array())
            array.push_back(element);
    }
    else if (how == merge::append_all && into.is_string() && next.is_string())
    {
        auto& text = into.get_string();
        done.add([find, size = text.size()]() noexcept { find().get_string().resize(size); });
        text.append(next.get_string());
    }
    else
    {
        replace_value(done, find, into, json::value(next, into.storage()));
    }
}

void merge_object(undo_log& done, const object_place& place, json::object& into,
                  const json::object& next, merge how)
{
    bool has_new = false;
    for (const auto& member : next)
    {
        const member_place where{place, member.key()};
        auto* const known = into.if_contains(member.key());
        if (known == nullptr)
        {
            if (!std::exchange(has_new, true))
                keep_members(done, place);
            into.emplace(member.key(), json::value(member.value(), into.storage()));
            continue;
        }
        if (member.value().is_null())
            continue;
        if (known->is_object() && member.value().is_object())
        {
            struct kept_place
            {
                member_place where;
                void operator()() const noexcept {}
            };
            const auto& kept = done.add(kept_place{where});
            merge_object(done, {place.root, &kept.where}, known->get_object(),
                         member.value().get_object(), how);
            continue;
        }
        const bool is_whole = known->is_string() && is_label(member.key());
        change(
            done, [where]() noexcept -> json::value& { return where.get(); }, *known,
            member.value(), is_whole ? merge::replace : how);
    }
}

}  // namespace

void merge_value(undo_log& done, json::value& into, const json::value& next, merge how)
{
    if (next.is_null())
        return;
    if (into.is_object() && next.is_object())
        merge_members(done, into.get_object(), next.get_object(), how);
    else
        change(
            done, [&into]() noexcept -> json::value& { return into; }, into, next, how);
}

void merge_members(undo_log& done, json::object& into, const json::object& next, merge how)
{
    if (!next.empty())
        merge_object(done, {&into, nullptr}, into, next, how);
}

void set_member(undo_log& done, json::object& into, std::string_view name, json::value&& value)
{
    const member_place where{{&into, nullptr}, name};
    const auto find = [where]() noexcept -> json::value& { return where.get(); };
    if (auto* const known = into.if_contains(name))
        return replace_value(done, find, *known, json::value(std::move(value), into.storage()));
    keep_members(done, where.object);
    into.emplace(name, std::move(value));
}

void append(undo_log& done, std::string& text, std::string_view piece)
{
    if (piece.empty())
        return;
    done.add([&text, size = text.size()]() noexcept { text.resize(size); });
    text += piece;
}

void keep_first(undo_log& done, std::string& text, const std::string& next)
{
    if (!text.empty() || next.empty())
        return;
    done.add([&text]() noexcept { text.clear(); });
    text = next;
}

}  // namespace regolo::core
