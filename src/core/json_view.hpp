#pragma once

#include <boost/json/kind.hpp>
#include <boost/json/storage_ptr.hpp>
#include <boost/json/value.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace regolo::core {

/// An entry of a `json_tape`. Elements follow their array; members follow their object, each as its key and its value.
struct json_token
{
    [[nodiscard]] bool is_container() const noexcept
    {
        return kind == boost::json::kind::array || kind == boost::json::kind::object;
    }
    /// The one behind the value and all that is in it.
    [[nodiscard]] const json_token* next() const noexcept
    {
        return this + (is_container() ? extent : 1);
    }

    /// The bit of a name in `names`. Those that are asked for and those that are there nearly always have different ones.
    [[nodiscard]] static std::uint16_t name_bit(std::string_view name) noexcept
    {
        const auto first = name.empty() ? 0U : static_cast<unsigned char>(name.front());
        return static_cast<std::uint16_t>(1U << ((first ^ name.size()) & 15U));
    }

    boost::json::kind kind = boost::json::kind::null;
    std::uint16_t names = 0;  // of an object: the bits of its members
    std::uint32_t size = 0;   // characters, elements or members
    union
    {
        std::size_t extent = 0;  // of an array or an object: tokens with its own
        const char* characters;
        std::int64_t int64;
        std::uint64_t uint64;
        double number;
        bool flag;
    };
};

/** A value of a document that is read and not changed, or none. It refers to a `json_tape`, as a `string_view` does
    to a string. */
class json_view
{
public:
    class element_range;
    class member_range;

    json_view() noexcept = default;
    explicit json_view(const json_token& token) noexcept : token_(&token) {}

    /// An object without members.
    [[nodiscard]] static json_view empty_object() noexcept;

    /// Whether there is a value, be it null. All else but `find` is for values alone.
    explicit operator bool() const noexcept { return token_ != nullptr; }

    [[nodiscard]] bool is_null() const noexcept { return is(boost::json::kind::null); }
    [[nodiscard]] bool is_string() const noexcept { return is(boost::json::kind::string); }
    [[nodiscard]] bool is_array() const noexcept { return is(boost::json::kind::array); }
    [[nodiscard]] bool is_object() const noexcept { return is(boost::json::kind::object); }
    [[nodiscard]] bool is_number() const noexcept
    {
        return is(boost::json::kind::int64) || is(boost::json::kind::uint64) ||
               is(boost::json::kind::double_);
    }

    [[nodiscard]] std::optional<bool> if_bool() const noexcept
    {
        return is(boost::json::kind::bool_) ? std::optional(token_->flag) : std::nullopt;
    }
    [[nodiscard]] std::optional<std::int64_t> if_int64() const noexcept
    {
        return is(boost::json::kind::int64) ? std::optional(token_->int64) : std::nullopt;
    }
    [[nodiscard]] std::optional<double> if_double() const noexcept
    {
        return is(boost::json::kind::double_) ? std::optional(token_->number) : std::nullopt;
    }
    [[nodiscard]] std::optional<std::string_view> if_string() const noexcept
    {
        return is_string() ? std::optional(text()) : std::nullopt;
    }

    /// @par Preconditions  is_string()
    [[nodiscard]] std::string_view text() const noexcept
    {
        return {token_->characters, token_->size};
    }
    /// @par Preconditions  is_number()
    [[nodiscard]] double to_double() const noexcept;

    /// Of an array or an object.
    [[nodiscard]] std::size_t size() const noexcept { return token_->size; }
    /// @par Preconditions  is_array()
    [[nodiscard]] element_range elements() const noexcept;
    /// @par Preconditions  is_object()
    [[nodiscard]] member_range members() const noexcept;
    /// False where there surely is no member of that name.
    [[nodiscard]] bool may_have(std::string_view name) const noexcept
    {
        return (token_->names & json_token::name_bit(name)) != 0;
    }
    /// The member of that name; none where there is none, and where this is no object.
    [[nodiscard]] json_view find(std::string_view key) const noexcept;

    /// The same as a value of its own.
    [[nodiscard]] boost::json::value to_value(const boost::json::storage_ptr& storage = {}) const;

private:
    [[nodiscard]] bool is(boost::json::kind kind) const noexcept { return token_->kind == kind; }

    const json_token* token_ = nullptr;
};

/// The elements of an array, for a loop.
class json_view::element_range
{
public:
    class iterator
    {
    public:
        explicit iterator(const json_token* at) noexcept : at_(at) {}
        json_view operator*() const noexcept { return json_view(*at_); }
        iterator& operator++() noexcept
        {
            at_ = at_->next();
            return *this;
        }
        friend bool operator==(iterator, iterator) noexcept = default;

    private:
        const json_token* at_;
    };

    explicit element_range(const json_token& array) noexcept : array_(&array) {}
    [[nodiscard]] iterator begin() const noexcept { return iterator(array_ + 1); }
    [[nodiscard]] iterator end() const noexcept { return iterator(array_->next()); }

private:
    const json_token* array_;
};

/// The members of an object, for a loop.
class json_view::member_range
{
public:
    struct member
    {
        std::string_view key;
        json_view value;
    };
    class iterator
    {
    public:
        iterator() noexcept = default;
        explicit iterator(const json_token* at) noexcept : at_(at) {}
        member operator*() const noexcept { return {key(), json_view(at_[1])}; }
        [[nodiscard]] std::string_view key() const noexcept { return json_view(*at_).text(); }
        iterator& operator++() noexcept
        {
            at_ = at_[1].next();
            return *this;
        }
        friend bool operator==(iterator, iterator) noexcept = default;

    private:
        const json_token* at_ = nullptr;
    };

    explicit member_range(const json_token& object) noexcept : object_(&object) {}
    [[nodiscard]] iterator begin() const noexcept { return iterator(object_ + 1); }
    [[nodiscard]] iterator end() const noexcept { return iterator(object_->next()); }

private:
    const json_token* object_;
};

inline json_view::element_range json_view::elements() const noexcept
{
    return element_range(*token_);
}

inline json_view::member_range json_view::members() const noexcept { return member_range(*token_); }

}  // namespace regolo::core
