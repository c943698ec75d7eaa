#pragma once

#include "core/json_tape.hpp"
#include "core/json_view.hpp"

#include <regolo/error.hpp>
#include <regolo/options.hpp>
#include <regolo/shared_string.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace regolo::core {

/// What holds for a whole document while it is read: the limits, and the first failure.
class read_context
{
public:
    explicit read_context(std::size_t max_index) noexcept : max_index_(max_index) {}

    [[nodiscard]] std::size_t max_index() const noexcept { return max_index_; }
    [[nodiscard]] bool failed() const noexcept { return failure_.has_value(); }
    /// @par Preconditions  failed()
    [[nodiscard]] error_info take_failure() { return std::move(*failure_); }

    /// Only the first failure counts: later ones may follow from it.
    void put_down(error_info failure)
    {
        if (!failure_)
            failure_ = std::move(failure);
    }
    void forget_failure() noexcept { failure_.reset(); }

private:
    std::size_t max_index_;
    std::optional<error_info> failure_;
};

/** A place in a document, known by its path. A child refers to its parent, which lives on the stack
    of the function that reads it; the text of the path is made only for an error. */
class json_place
{
public:
    explicit json_place(read_context& context) noexcept : context_(&context) {}

    [[nodiscard]] json_place member(std::string_view key) const noexcept { return {this, key, 0}; }
    [[nodiscard]] json_place element(std::size_t index) const noexcept { return {this, {}, index}; }

    [[nodiscard]] read_context& context() const noexcept { return *context_; }

    /// Where it stands in an array; 0 for a member of an object.
    [[nodiscard]] std::int64_t position() const noexcept
    {
        return static_cast<std::int64_t>(index_);
    }

    /// Such as "choices[0].message"; empty at the top.
    [[nodiscard]] std::string path() const;

    /// Puts down that what stands here "is not a string" or the like. Always false, to be returned.
    bool fail(std::string_view problem) const;

private:
    json_place(const json_place* parent, std::string_view key, std::size_t index) noexcept
        : parent_(parent), context_(parent->context_), key_(key), index_(index)
    {}

    const json_place* parent_ = nullptr;
    read_context* context_;
    std::string_view key_;  // empty: an element of an array
    std::size_t index_ = 0;
};

/** `read_json(json, place, out)` reads one value, whatever `out` held before. False and a failure at
    the place for a wrong type. Every noun has its overload in its codec. */
bool read_json(json_view json, const json_place& place, std::string& out);
/// The same; of the text that `out` has already, nothing new is made.
bool read_json(json_view json, const json_place& place, shared_string& out);
bool read_json(json_view json, const json_place& place, bool& out);
/// Also a number with a fraction of zero, and a number as text.
bool read_json(json_view json, const json_place& place, std::int64_t& out);
bool read_json(json_view json, const json_place& place, std::uint8_t& out);
bool read_json(json_view json, const json_place& place, double& out);
bool read_json(json_view json, const json_place& place, boost::json::object& out);
bool read_json(json_view json, const json_place& place, boost::json::array& out);
bool read_json(json_view json, const json_place& place, boost::json::value& out);

/** Whether every number of JSON that is kept as it is has a JSON form. Boost.JSON takes 1e309 for infinity, which is not the
    number that came, and could never be sent again. */
bool check_range(json_view json, const json_place& place);
/// The same for a document that is handed out whole.
result<void> check_range(json_view document);

template <class T>
bool read_json(json_view json, const json_place& place, std::optional<T>& out)
{
    if (!out)
        out.emplace();
    return read_json(json, place, *out);
}

template <class T>
bool read_json(json_view json, const json_place& place, std::vector<T>& out)
{
    if (!json.is_array())
        return place.fail("is not an array");
    out.resize(json.size());
    std::size_t i = 0;
    for (const auto element : json.elements())
    {
        if (!read_json(element, place.element(i), out[i]))
            return false;
        ++i;
    }
    return true;
}

/// Puts `out` into the state "not sent", keeping its memory where that is easy.
template <class T>
void unset(T& out)
{
    if constexpr (requires { out.clear(); })
        out.clear();
    else
        out = T{};
}
template <class T>
void unset(std::optional<T>& out) noexcept
{
    out.reset();
}

/** Reads the members of an object; what nobody asked for goes to `rest`.

    Absent and null are the same and leave the output unset. After the last member:
    @code
    object_reader in(json, place);
    in.read("id", out.id);
    in.rest(out.extra);
    @endcode
*/
class object_reader
{
public:
    /// Puts down a failure when it is no object; there are no members then.
    object_reader(json_view json, const json_place& place);

    [[nodiscard]] bool is_object() const noexcept { return is_object_; }
    [[nodiscard]] const json_place& place() const noexcept { return place_; }

    /// Whether there is such a member, and it is not null.
    [[nodiscard]] bool has(std::string_view key) const noexcept;

    /// A member that is not null, which then counts as read; none without one.
    json_view take(std::string_view key)
    {
        return object_.may_have(key) ? take_found(key) : json_view();
    }

    /// A member that the caller cannot do without: a wrong type is a failure.
    template <class T>
    void read(std::string_view key, T& out)
    {
        if (const auto json = take(key))
            read_json(json, place_.member(key), out);
        else
            unset(out);
    }

    /// A member that only adds to the answer: one of a wrong type stays with the unknown ones.
    template <class T>
    void read_lenient(std::string_view key, T& out)
    {
        const auto json = take(key);
        if (json && attempt(json, key, out))
            return;
        unset(out);
    }

    /// Copies what was not read. A number beyond the range of a double is a failure.
    void rest(boost::json::object& extra) const;

    /// Undoes `take` for that member.
    void give_back(std::string_view key);

private:
    template <class T>
    bool attempt(json_view json, std::string_view key, T& out)
    {
        auto& context = place_.context();
        if (context.failed())
            return false;
        if (read_json(json, place_.member(key), out))
            return true;
        context.forget_failure();
        give_back(key);
        return false;
    }

    /// A member and its place among the others.
    struct found
    {
        json_view::member_range::iterator at;
        std::size_t position = 0;
    };

    [[nodiscard]] found find(std::string_view key) const noexcept;
    json_view take_found(std::string_view key);
    [[nodiscard]] bool is_taken(std::size_t position) const noexcept;

    bool is_object_;
    json_view object_;  // one without members where there is none
    json_view::member_range members_;
    const json_place& place_;
    found next_;                          // behind the one that was taken last
    std::uint64_t taken_ = 0;             // one bit for each of the first 64 members
    std::vector<std::size_t> far_taken_;  // positions of those behind them
};

/** An index within its limit. `fallback` where there is none. With `negative_is_zero` what is below
    zero counts as zero, since a gateway sends -1 for the only tool call. */
bool read_index(object_reader& in, std::string_view key, std::int64_t fallback,
                bool negative_is_zero, std::int64_t& out);

/// The place of what the answer is about in the request, at least 0; where none was sent, the place in the array.
bool read_position(object_reader& in, std::string_view key, std::int64_t& out);

/// Seconds since 1970, which some servers send with a fraction.
void read_seconds(object_reader& in, std::string_view key, std::int64_t& out);

/// A failure to understand a response.
error_info bad_response(std::string message);

/// Reads a value that stands on its own.
template <class T>
result<T> read_document(json_view json, std::size_t max_index = limits{}.index)
{
    read_context context(max_index);
    T out;
    read_json(json, json_place(context), out);
    if (context.failed())
        return context.take_failure();
    return out;
}
template <class T>
result<T> read_document(const boost::json::value& json)
{
    return read_document<T>(json_tape(json).root());
}

}  // namespace regolo::core
