#include "core/json_tape.hpp"

#include "core/json_string.hpp"
#include "core/text.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/string.hpp>

#include <cstdint>
#include <optional>
#include <utility>

namespace regolo::core {

namespace json = boost::json;

namespace {

/// Members of an object, which may have to be compared each with each.
constexpr std::size_t most_members = 32;
/// As many fit into 64 bits.
constexpr std::size_t most_digits = 19;
/// Every integer up to this one is a double.
constexpr std::uint64_t most_exact = std::uint64_t{1} << 53;
/// Those that are doubles, and more than the digits of a fraction that is not too long.
constexpr auto powers_of_ten =
    std::to_array({1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,
                   1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19});
static_assert(powers_of_ten.size() > most_digits);
/// Tokens that are made room for at the beginning.
constexpr std::size_t first_tokens = 256;

/// Appends values to the tape. A container that is open has in its `extent` the place of the one around it.
class tape_writer
{
public:
    explicit tape_writer(std::pmr::vector<json_token>& tokens) : tokens_(tokens)
    {
        tokens_.reserve(first_tokens);
    }

    json_token& add(json::kind kind, std::size_t size = 0)
    {
        auto& token = tokens_.emplace_back();
        token.kind = kind;
        token.size = static_cast<std::uint32_t>(size);  // Boost.JSON has no larger ones
        return token;
    }
    void add_text(std::string_view text)
    {
        add(json::kind::string, text.size()).characters = text.data();
    }
    /// The name of a member; what comes next is its value.
    void add_name(std::string_view name)
    {
        tokens_[open_].names |= json_token::name_bit(name);
        add_text(name);
    }
    /// Whether the object that is open has such a member.
    [[nodiscard]] bool has_name(std::string_view name) const noexcept
    {
        if (!json_view(tokens_[open_]).may_have(name))
            return false;
        const auto* const end = tokens_.data() + tokens_.size();
        for (const auto* at = &tokens_[open_] + 1; at != end; at = at[1].next())
            if (json_view(*at).text() == name)
                return true;
        return false;
    }
    void open(json::kind kind)
    {
        const auto place = tokens_.size();
        add(kind).extent = open_;
        open_ = place;
    }
    void close(std::size_t size)
    {
        auto& token = tokens_[open_];
        token.size = static_cast<std::uint32_t>(size);
        const auto extent = tokens_.size() - open_;
        open_ = std::exchange(token.extent, extent);
    }

    void add_tree(const json::value& tree)
    {
        switch (tree.kind())
        {
            case json::kind::null:
                add(json::kind::null);
                break;
            case json::kind::bool_:
                add(json::kind::bool_).flag = tree.get_bool();
                break;
            case json::kind::int64:
                add(json::kind::int64).int64 = tree.get_int64();
                break;
            case json::kind::uint64:
                add(json::kind::uint64).uint64 = tree.get_uint64();
                break;
            case json::kind::double_:
                add(json::kind::double_).number = tree.get_double();
                break;
            case json::kind::string:
                add_text(tree.get_string());
                break;
            case json::kind::array:
                open(json::kind::array);
                for (const auto& element : tree.get_array())
                    add_tree(element);
                close(tree.get_array().size());
                break;
            case json::kind::object:
                open(json::kind::object);
                for (const auto& member : tree.get_object())
                {
                    add_name(member.key());
                    add_tree(member.value());
                }
                close(tree.get_object().size());
                break;
        }
    }

private:
    std::pmr::vector<json_token>& tokens_;
    std::size_t open_ = 0;
};

/// Reads JSON that has nothing out of the way. Gives up on all else.
class tape_reader
{
public:
    tape_reader(std::string_view text, std::size_t max_depth, std::pmr::vector<json_token>& tokens,
                std::pmr::vector<char>& texts)
        : text_(text), depth_(max_depth), writer_(tokens), texts_(texts)
    {}

    bool read()
    {
        skip_space();
        if (!read_value())
            return false;
        skip_space();
        return at_ == text_.size();
    }

private:
    [[nodiscard]] bool is_at(char c) const noexcept
    {
        return at_ != text_.size() && text_[at_] == c;
    }
    bool take(char c) noexcept
    {
        const bool taken = is_at(c);
        at_ += taken ? 1 : 0;
        return taken;
    }
    bool take(std::string_view word) noexcept
    {
        const bool taken = text_.substr(at_).starts_with(word);
        at_ += taken ? word.size() : 0;
        return taken;
    }
    void skip_space() noexcept
    {
        const auto is_space = [](char c) {
            return c == ' ' || c == '\n' || c == '\r' || c == '\t';
        };
        // most texts have none, which one comparison tells
        while (at_ != text_.size() && text_[at_] <= ' ' && is_space(text_[at_]))
            ++at_;
    }

    bool read_value()
    {
        if (at_ == text_.size())
            return false;
        switch (text_[at_])
        {
            case '"':
                return read_string();
            case '{':
                return read_object();
            case '[':
                return read_array();
            case 'n':
                writer_.add(json::kind::null);
                return take("null");
            case 't':
                writer_.add(json::kind::bool_).flag = true;
                return take("true");
            case 'f':
                writer_.add(json::kind::bool_).flag = false;
                return take("false");
            default:
                return read_short_number() || read_number();
        }
    }

    bool read_object()
    {
        if (depth_ == 0)
            return false;
        --depth_;
        ++at_;
        writer_.open(json::kind::object);
        std::size_t size = 0;
        skip_space();
        if (!take('}'))
        {
            do
            {
                skip_space();
                const auto name = read_text();
                if (!name || size == most_members || writer_.has_name(*name))
                    return false;
                writer_.add_name(*name);
                skip_space();
                if (!take(':'))
                    return false;
                skip_space();
                if (!read_value())
                    return false;
                skip_space();
                ++size;
            } while (take(','));
            if (!take('}'))
                return false;
        }
        ++depth_;
        writer_.close(size);
        return true;
    }

    bool read_array()
    {
        if (depth_ == 0)
            return false;
        --depth_;
        ++at_;
        writer_.open(json::kind::array);
        std::size_t size = 0;
        skip_space();
        if (!take(']'))
        {
            do
            {
                skip_space();
                if (!read_value())
                    return false;
                skip_space();
                ++size;
            } while (take(','));
            if (!take(']'))
                return false;
        }
        ++depth_;
        writer_.close(size);
        return true;
    }

    bool read_string()
    {
        const auto text = read_text();
        if (text)
            writer_.add_text(*text);
        return text.has_value();
    }

    std::optional<std::string_view> read_text()
    {
        if (!take('"'))
            return std::nullopt;
        const auto found = find_quoted(text_.substr(at_));
        if (!found)
            return std::nullopt;
        const auto quoted = text_.substr(at_, found->size);
        at_ += found->size + 1;
        return found->has_escapes ? unescaped(quoted) : quoted;
    }

    std::string_view unescaped(std::string_view quoted)
    {
        // all of them together are not longer than what they come from, so that none moves later on
        texts_.reserve(text_.size());
        const auto begin = texts_.size();
        texts_.resize(begin + quoted.size());
        const auto* const end = unescape(quoted, texts_.data() + begin);
        texts_.resize(static_cast<std::size_t>(end - texts_.data()));
        return std::string_view(texts_.data(), texts_.size()).substr(begin);
    }

    std::uint64_t read_digits(std::uint64_t number) noexcept
    {
        for (; at_ != text_.size() && is_digit(text_[at_]); ++at_)
            number = 10 * number + static_cast<std::uint64_t>(text_[at_] - '0');
        return number;
    }

    /// Integers and decimals of so few digits that there is one way only to read them.
    bool read_short_number()
    {
        const auto begin = at_;
        const bool is_negative = take('-');
        const auto whole = at_;
        auto digits = read_digits(0);
        const auto whole_size = at_ - whole;
        const bool has_fraction = take('.');
        const auto fraction = at_;
        if (has_fraction)
            digits = read_digits(digits);
        const auto fraction_size = at_ - fraction;
        const bool is_number = whole_size == 1 || (whole_size > 1 && text_[whole] != '0');
        const bool is_short = whole_size + fraction_size <= most_digits && digits <= most_exact;
        if (!is_number || !is_short || has_fraction != (fraction_size != 0) || is_at('e') ||
            is_at('E'))
        {
            at_ = begin;
            return false;
        }
        if (has_fraction)
        {
            // both operands are exact, so that the quotient is the double next to the number
            const auto number = static_cast<double>(digits) / powers_of_ten[fraction_size];
            writer_.add(json::kind::double_).number = is_negative ? -number : number;
        }
        else
        {
            const auto number = static_cast<std::int64_t>(digits);
            writer_.add(json::kind::int64).int64 = is_negative ? -number : number;
        }
        return true;
    }

    /// All other numbers as Boost.JSON reads them. In some it sees other last digits near the end of a text, so it is given all of it.
    bool read_number()
    {
        std::array<unsigned char, 256> memory;
        json::parser parser({}, {}, memory.data(), memory.size());
        json::error_code failure;
        const auto rest = text_.substr(at_);
        at_ += parser.write_some(rest.data(), rest.size(), failure);
        if (failure)
            return false;
        writer_.add_tree(parser.release());
        return true;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t depth_;  // how much deeper it may become
    tape_writer writer_;
    std::pmr::vector<char>& texts_;
};

}  // namespace

bool json_tape::read(std::string_view text, std::size_t max_depth)
{
    return tape_reader(text, max_depth, tokens_, texts_).read();
}

void json_tape::keep(json::value&& tree)
{
    tree_ = std::move(tree);
    lay_out(tree_);
}

void json_tape::lay_out(const json::value& tree)
{
    tokens_.clear();
    tape_writer(tokens_).add_tree(tree);
}

}  // namespace regolo::core
