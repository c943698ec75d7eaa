#include "core/json_tape.hpp"

#include "core/json_string.hpp"
#include "core/text.hpp"

#include <boost/config.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/string.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace regolo::core {

namespace json = boost::json;

namespace {

/// Members of an object, which may have to be compared each with each.
constexpr std::size_t most_members = 32;
/// Bytes of text for a token; a number of an embedding takes ten and more. Where there are fewer tokens, their room is not touched.
constexpr std::size_t usual_token = 8;
/// As many fit into 64 bits.
constexpr std::size_t most_digits = 19;
/// Every integer up to this one is a double.
constexpr std::uint64_t most_exact = std::uint64_t{1} << 53;
/// Those that are doubles, and more than the digits of a fraction that is not too long.
constexpr auto powers_of_ten =
    std::to_array({1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,
                   1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19});
static_assert(powers_of_ten.size() > most_digits);

/// Appends values to the tape. A container that is open has in its `extent` the place of the one around it.
class tape_writer
{
public:
    explicit tape_writer(token_list& tokens) noexcept : tokens_(tokens) {}

    void add(json::kind kind) { tokens_.add(kind); }
    void add_flag(bool flag) { tokens_.add(json::kind::bool_).flag = flag; }
    void add_int64(std::int64_t number) { tokens_.add(json::kind::int64).int64 = number; }
    void add_uint64(std::uint64_t number) { tokens_.add(json::kind::uint64).uint64 = number; }
    void add_double(double number) { tokens_.add(json::kind::double_).number = number; }
    void add_text(std::string_view text)
    {
        auto& token = tokens_.add(json::kind::string);
        token.size = static_cast<std::uint32_t>(text.size());  // Boost.JSON has no longer ones
        token.characters = text.data();
    }
    /// The name of a member; what comes next is its value.
    void add_name(std::string_view name) { add_name(name, json_token::name_bit(name)); }
    /// The same, unless the object has a member of that name.
    bool add_new_name(std::string_view name)
    {
        const auto bit = json_token::name_bit(name);
        if ((tokens_[open_].names & bit) != 0 && has_name(name))
            return false;
        add_name(name, bit);
        return true;
    }
    void open(json::kind kind)
    {
        const auto place = tokens_.size();
        tokens_.add(kind).extent = open_;
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
                add_flag(tree.get_bool());
                break;
            case json::kind::int64:
                add_int64(tree.get_int64());
                break;
            case json::kind::uint64:
                add_uint64(tree.get_uint64());
                break;
            case json::kind::double_:
                add_double(tree.get_double());
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
    void add_name(std::string_view name, std::uint16_t bit)
    {
        tokens_[open_].names |= bit;
        add_text(name);
    }
    [[nodiscard]] bool has_name(std::string_view name) const noexcept
    {
        for (const auto* at = &tokens_[open_] + 1; at != tokens_.end(); at = at[1].next())
            if (json_view(*at).text() == name)
                return true;
        return false;
    }
    token_list& tokens_;
    std::size_t open_ = 0;
};

/// Reads JSON that has nothing out of the way. Gives up on all else.
class tape_reader
{
public:
    tape_reader(std::string_view text, std::size_t max_depth, token_list& tokens,
                std::pmr::vector<char>& texts)
        : text_(text),
          at_(text.data()),
          end_(text.data() + text.size()),
          depth_(max_depth),
          writer_(tokens),
          texts_(texts)
    {}

    bool read()
    {
        if (!read_value())
            return false;
        skip_space();
        return at_ == end_;
    }

private:
    [[nodiscard]] std::string_view rest() const noexcept
    {
        return {at_, static_cast<std::size_t>(end_ - at_)};
    }
    [[nodiscard]] bool is_at(char c) const noexcept { return at_ != end_ && *at_ == c; }

    void skip_space() noexcept
    {
        while (is_at(' ') || is_at('\n') || is_at('\r') || is_at('\t'))
            ++at_;
    }
    /// Takes that character, if it is the next one but for spaces. Most texts have none, so it is looked for first.
    bool take(char c) noexcept
    {
        if (!is_at(c))
        {
            skip_space();
            if (!is_at(c))
                return false;
        }
        ++at_;
        return true;
    }
    bool take_word(std::string_view word) noexcept
    {
        const bool is_there = rest().starts_with(word);
        at_ += is_there ? word.size() : 0;
        return is_there;
    }

    bool read_value()
    {
        if (at_ != end_ && *at_ <= ' ')
            skip_space();
        if (at_ == end_)
            return false;
        switch (*at_)
        {
            case '"':
                return read_string();
            case '{':
                return read_object();
            case '[':
                return read_array();
            case 'n':
                writer_.add(json::kind::null);
                return take_word("null");
            case 't':
                writer_.add_flag(true);
                return take_word("true");
            case 'f':
                writer_.add_flag(false);
                return take_word("false");
            default:
                return read_short_number() || read_number();
        }
    }

    // not part of `read_value`, which would do for each number what is needed for objects alone
    BOOST_NOINLINE bool read_object()
    {
        if (depth_ == 0)
            return false;
        --depth_;
        ++at_;
        writer_.open(json::kind::object);
        std::size_t size = 0;
        if (!take('}'))
        {
            do
            {
                const auto name = read_text();
                if (!name || size == most_members || !writer_.add_new_name(*name))
                    return false;
                if (!take(':') || !read_value())
                    return false;
                ++size;
            } while (take(','));
            if (!take('}'))
                return false;
        }
        ++depth_;
        writer_.close(size);
        return true;
    }

    BOOST_NOINLINE bool read_array()
    {
        if (depth_ == 0)
            return false;
        --depth_;
        ++at_;
        writer_.open(json::kind::array);
        std::size_t size = 0;
        if (!take(']'))
        {
            do
            {
                if (!read_value())
                    return false;
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
        const auto json = rest();
        const auto plain = json.substr(0, plain_prefix(json));
        if (plain.size() != json.size() && json[plain.size()] == '"')
        {
            at_ += plain.size() + 1;
            return plain;
        }
        const auto found = find_quoted(json);
        if (!found)
            return std::nullopt;
        at_ += found->size + 1;
        const auto quoted = json.substr(0, found->size);
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

    /// @returns  how many there are
    std::size_t read_digits(std::uint64_t& number) noexcept
    {
        const auto* const begin = at_;
        for (; at_ != end_ && is_digit(*at_); ++at_)
            number = 10 * number + static_cast<std::uint64_t>(*at_ - '0');
        return static_cast<std::size_t>(at_ - begin);
    }

    /// Integers and decimals of so few digits that there is one way only to read them.
    bool read_short_number()
    {
        const auto* const begin = at_;
        const bool is_negative = is_at('-');
        at_ += is_negative ? 1 : 0;
        const bool has_zero = is_at('0');
        std::uint64_t digits = 0;
        const auto whole = read_digits(digits);
        const bool has_point = is_at('.');
        at_ += has_point ? 1 : 0;
        const auto fraction = has_point ? read_digits(digits) : 0;
        const bool is_number =
            (whole == 1 || (whole > 1 && !has_zero)) && has_point == (fraction != 0);
        const bool is_short = whole + fraction <= most_digits && digits <= most_exact;
        if (!is_number || !is_short || is_at('e') || is_at('E'))
        {
            at_ = begin;
            return false;
        }
        if (has_point)
        {
            // both are exact, so that the quotient is the double next to the number
            const auto number = static_cast<double>(digits) / powers_of_ten[fraction];
            writer_.add_double(is_negative ? -number : number);
        }
        else
        {
            const auto number = static_cast<std::int64_t>(digits);
            writer_.add_int64(is_negative ? -number : number);
        }
        return true;
    }

    /// All other numbers as Boost.JSON reads them. Near the end of a text it sees other last digits in some, so it is given all of
    /// the text.
    bool read_number()
    {
        alignas(json::value) std::array<unsigned char, 16 * sizeof(json::value)> memory;
        json::parser parser({}, {}, memory.data(), memory.size());
        json::error_code failure;
        at_ += parser.write_some(at_, rest().size(), failure);
        if (failure)
            return false;
        writer_.add_tree(parser.release());
        return true;
    }

    std::string_view text_;
    const char* at_;
    const char* end_;
    std::size_t depth_;  // how much deeper it may become
    tape_writer writer_;
    std::pmr::vector<char>& texts_;  // those that had escapes
};

}  // namespace

void token_list::grow()
{
    const auto capacity = std::max(2 * capacity_, expected_);
    // NOLINTNEXTLINE(modernize-avoid-c-arrays)
    auto larger = std::make_unique_for_overwrite<std::byte[]>(capacity * sizeof(json_token));
    auto* const first = static_cast<json_token*>(static_cast<void*>(larger.get()));
    std::uninitialized_copy_n(first_, size_, first);
    outside_ = std::move(larger);
    first_ = first;
    capacity_ = capacity;
}

bool json_tape::read(std::string_view text, std::size_t max_depth)
{
    if (text.size() > json::string::max_size())
        return false;
    tokens_.expect(text.size() / usual_token);
    return tape_reader(text, max_depth, tokens_, texts_).read();
}

json::storage_ptr json_tape::tree_storage(std::size_t text_size)
{
    if (text_size > tree_first_.size())
        return {};
    return &tree_memory_.emplace(tree_first_.data(), tree_first_.size());
}

void json_tape::keep(json::value&& tree) { lay_out(tree_.emplace(std::move(tree))); }

void json_tape::lay_out(const json::value& tree)
{
    tokens_.clear();
    tape_writer(tokens_).add_tree(tree);
}

}  // namespace regolo::core
