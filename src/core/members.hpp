#pragma once

#include "core/json_reader.hpp"
#include "core/json_writer.hpp"
#include "core/text_or_tokens.hpp"

#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

/** @file
    Nouns whose members are listed once, for both directions:

    @code
    template <class Members>
    void visit_members(const Members& members, like<embedding> auto& value)
    {
        members.position("index", value.index);
        members("object", value.object);
    }
    @endcode

    From that follow `read_json` and `write_json`; unknown members go to `extra` and come from there.
*/

namespace regolo::core {

/// That type, or the same as a constant.
template <class T, class Noun>
concept like = std::same_as<std::remove_const_t<T>, Noun>;

/// Reads each member that it is told of.
class member_reader
{
public:
    static constexpr bool writes = false;

    explicit member_reader(object_reader& in) noexcept : in_(in) {}

    /// One that only adds to the noun: of a wrong type, it stays with the unknown ones.
    template <class T>
    void operator()(std::string_view name, T& member) const
    {
        in_.read_lenient(name, member);
    }
    /// One without which the noun makes no sense: a wrong type is a failure.
    template <class T>
    void needed(std::string_view name, T& member) const
    {
        in_.read(name, member);
    }
    /// One without which the noun is not whole: its absence is a failure, too.
    template <class T>
    void required(std::string_view name, T& member) const
    {
        if (!in_.has(name))
            in_.place().member(name).fail("is missing");
        in_.read(name, member);
    }
    /// One that only adds to the noun, but is written also where it is empty.
    template <class T>
    void shown(std::string_view name, T& member) const
    {
        in_.read_lenient(name, member);
    }
    /// An object whose members belong to the noun itself, but for the unknown ones.
    template <class Visit>
    void inner(std::string_view name, boost::json::object& extra, const Visit& visit) const
    {
        const auto json = in_.take(name);
        const auto inside = in_.place().member(name);
        object_reader object(json ? json : json_view::empty_object(), inside);
        visit(member_reader(object));
        object.rest(extra);
    }
    void text_or_tokens(std::string_view name, core::text_or_tokens& member) const
    {
        read_text_or_tokens(in_, name, member);
    }
    /// The number of a choice, by which the chunks of several are told apart: at most `limits::index`.
    void choice_index(std::string_view name, std::int64_t& member) const
    {
        read_index(in_, name, in_.place().position(), false, member);
    }
    /// The number of the tool call that a piece belongs to; a gateway sends -1 for the only one.
    void call_index(std::string_view name, std::optional<std::int64_t>& member) const
    {
        member.reset();
        if (in_.has(name))
            read_index(in_, name, 0, true, member.emplace());
        else
            in_.take(name);
    }
    /// An index into the request, which has as many of them as its maker liked.
    void position(std::string_view name, std::int64_t& member) const
    {
        read_position(in_, name, member);
    }
    /// One that may not have been sent.
    void position(std::string_view name, std::optional<std::int64_t>& member) const
    {
        member.reset();
        if (in_.has(name))
            read_position(in_, name, member.emplace());
        else
            in_.take(name);
    }
    /// A member that has two names on the wire: the one that was sent.
    [[nodiscard]] std::string_view either(std::string_view written, std::string_view other) const
    {
        if (in_.has(written) || !in_.has(other))
            return written;
        in_.take(written);  // null, which must not come back in the place of the other
        return other;
    }
    /// Seconds since 1970.
    void seconds(std::string_view name, std::int64_t& member) const
    {
        read_seconds(in_, name, member);
    }

private:
    object_reader& in_;
};

/// Writes each member that it is told of.
class member_writer
{
public:
    static constexpr bool writes = true;

    explicit member_writer(object_writer& out) noexcept : out_(out) {}

    template <class T>
    void operator()(std::string_view name, const T& member) const
    {
        out_.put(name, member);
    }
    template <class T>
    void needed(std::string_view name, const T& member) const
    {
        out_.always(name, member);
    }
    template <class T>
    void required(std::string_view name, const T& member) const
    {
        out_.always(name, member);
    }
    template <class T>
    void shown(std::string_view name, const T& member) const
    {
        out_.always(name, member);
    }
    template <class Visit>
    void inner(std::string_view name, const boost::json::object& extra, const Visit& visit) const
    {
        object_writer object(out_.context());
        visit(member_writer(object));
        auto written = std::move(object).with(extra);
        if (!written.get_object().empty())
            out_.add(name, std::move(written));
    }
    void text_or_tokens(std::string_view name, const core::text_or_tokens& member) const
    {
        write_text_or_tokens(out_, name, member);
    }
    void choice_index(std::string_view name, std::int64_t member) const
    {
        out_.always(name, member);
    }
    void call_index(std::string_view name, const std::optional<std::int64_t>& member) const
    {
        out_.put(name, member);
    }
    void position(std::string_view name, std::int64_t member) const { out_.always(name, member); }
    void position(std::string_view name, const std::optional<std::int64_t>& member) const
    {
        out_.put(name, member);
    }
    [[nodiscard]] std::string_view either(std::string_view written, std::string_view) const
    {
        return written;
    }
    void seconds(std::string_view name, std::int64_t member) const
    {
        if (member != 0)
            out_.always(name, member);
    }

private:
    object_writer& out_;
};

template <class T>
concept has_members = requires(T& value, const member_reader& members)
{
    visit_members(members, value);
    value.extra;
};

template <has_members T>
bool read_members(json_view json, const json_place& place, T& out)
{
    object_reader in(json, place);
    visit_members(member_reader(in), out);
    in.rest(out.extra);
    return !place.context().failed();
}

/// A noun with more to it has a `read_json` of its own, which begins with `read_members`.
template <has_members T>
bool read_json(json_view json, const json_place& place, T& out)
{
    return read_members(json, place, out);
}

template <has_members T>
boost::json::value write_json(const T& value, const write_context& context)
{
    object_writer out(context);
    visit_members(member_writer(out), value);
    return std::move(out).with(value.extra);
}

}  // namespace regolo::core

/// Defines `from_json` and `to_json` of such a noun, in its namespace. A macro, since a specialization and an overload
/// cannot be had from a template.
#define REGOLO_DEFINE_JSON(noun)                                 \
    template <>                                                  \
    result<noun> from_json<noun>(const boost::json::value& json) \
    {                                                            \
        return core::read_document<noun>(json);                  \
    }                                                            \
    boost::json::value to_json(const noun& value) { return core::write_json(value, {}); }
