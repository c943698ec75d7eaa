// Reading and writing JSON against a recogniser of RFC 8259 that is written for nothing but being obvious.

#include "core/json_text.hpp"
#include "core/json_writer.hpp"
#include "fuzz.hpp"
#include "literal_sse.hpp"

#include <boost/json/serialize.hpp>

#include <bit>
#include <cmath>
#include <cstdlib>

namespace regolo::fuzz {
namespace {

namespace json = boost::json;

/// Recognises one JSON text, as long as its strings hold no escaped surrogates.
class recogniser
{
public:
    explicit recogniser(std::string_view text) : text_(text) {}

    bool accepts()
    {
        white();
        if (!value(0))
            return false;
        white();
        return at_ == text_.size();
    }

    /// The deepest nesting of arrays and objects that was seen.
    [[nodiscard]] std::size_t depth() const { return deepest_; }
    [[nodiscard]] bool has_surrogates() const { return surrogates_; }
    /// Of more than three digits, for which no number has to be there.
    [[nodiscard]] bool has_huge_exponent() const { return huge_; }

private:
    char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    bool take(char c)
    {
        if (at_ == text_.size() || text_[at_] != c)
            return false;
        ++at_;
        return true;
    }
    void white()
    {
        while (take(' ') || take('\t') || take('\r') || take('\n'))
        {}
    }
    bool word(std::string_view wanted)
    {
        if (text_.substr(at_, wanted.size()) != wanted)
            return false;
        at_ += wanted.size();
        return true;
    }
    bool digits()
    {
        const auto first = at_;
        while (peek() >= '0' && peek() <= '9')
            ++at_;
        return at_ != first;
    }
    bool number()
    {
        take('-');
        if (!take('0') && !digits())
            return false;
        if (take('.') && !digits())
            return false;
        if (take('e') || take('E'))
        {
            if (!take('+'))
                take('-');
            const auto first = at_;
            const bool any = digits();
            huge_ = huge_ || at_ - first > 3;
            return any;
        }
        return true;
    }
    bool hex4()
    {
        unsigned unit = 0;
        for (int i = 0; i < 4; ++i)
        {
            const char c = peek();
            if (std::string_view("0123456789abcdefABCDEF").find(c) == std::string_view::npos ||
                at_ == text_.size())
                return false;
            unit = unit * 16 + static_cast<unsigned>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
            ++at_;
        }
        surrogates_ = surrogates_ || (unit >= 0xD800 && unit <= 0xDFFF);
        return true;
    }
    bool string()
    {
        if (!take('"'))
            return false;
        while (at_ < text_.size())
        {
            const char c = text_[at_++];
            if (c == '"')
                return true;
            if (static_cast<unsigned char>(c) < 0x20)
                return false;
            if (c != '\\')
                continue;
            const char escaped = peek();
            ++at_;
            if (escaped == 'u' ? !hex4()
                               : std::string_view("\"\\/bfnrt").find(escaped) == std::string::npos)
                return false;
        }
        return false;
    }
    bool value(std::size_t depth)
    {
        const bool is_object = peek() == '{';
        if (!is_object && peek() != '[')
            return peek() == '"' ? string()
                                 : word("null") || word("true") || word("false") || number();
        ++at_;
        ++depth;
        deepest_ = std::max(deepest_, depth);
        const char close = is_object ? '}' : ']';
        white();
        if (take(close))
            return true;
        do
        {
            white();
            if (is_object)
            {
                if (!string())
                    return false;
                white();
                if (!take(':'))
                    return false;
                white();
            }
            if (!value(depth))
                return false;
            white();
        } while (take(','));
        return take(close);
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t deepest_ = 0;
    bool surrogates_ = false;
    bool huge_ = false;
};

/// Boost.JSON may read a number with a fraction wrong in its last digit.
bool is_same(const json::value& a, const json::value& b)
{
    if (a.is_number() && b.is_number() && (a.is_double() || b.is_double()))
    {
        const auto x = a.to_number<double>();
        const auto y = b.to_number<double>();
        return x == y || std::abs(x - y) <= 1e-14 * std::max(std::abs(x), std::abs(y));
    }
    if (a.kind() != b.kind())
        return (a.is_int64() || a.is_uint64()) && a == b;
    if (a.is_array())
    {
        const auto& left = a.get_array();
        const auto& right = b.get_array();
        bool same = left.size() == right.size();
        for (std::size_t i = 0; same && i < left.size(); ++i)
            same = is_same(left[i], right[i]);
        return same;
    }
    if (a.is_object())
    {
        bool same = a.get_object().size() == b.get_object().size();
        for (const auto& member : a.get_object())
        {
            const auto* other = b.get_object().if_contains(member.key());
            same = same && other != nullptr && is_same(member.value(), *other);
        }
        return same;
    }
    return a == b;
}

/// "1e309" is read as infinity, which no request can have.
bool is_finite(const json::value& json)
{
    bool finite = !json.is_double() || std::isfinite(json.get_double());
    if (const auto* array = json.if_array())
        for (const auto& each : *array)
            finite = finite && is_finite(each);
    if (const auto* object = json.if_object())
        for (const auto& member : *object)
            finite = finite && is_finite(member.value());
    return finite;
}

void check_written(const std::string& text, const json::value& document, const limits& bounds)
{
    check(decode_literally(text) == text, "what was written is not UTF-8");
    check(recogniser(text).accepts(), "what was written is not JSON");
    const auto again = core::json_parser(bounds).parse(text, {});
    check(again.has_value() && is_same(*again, document),
          "what was written reads as another value");
}

/// A document on a tape against the same as a tree, down to the order of members and the bits of numbers.
void check_tape(std::string_view text, const limits& bounds)
{
    core::json_parser parser(bounds);
    const auto tree = parser.parse(text, {}, true);
    const bool kept = parser.has_kept_surrogates();
    core::json_tape tape;
    const auto flat = parser.parse(text, tape, true);
    check(tree.has_value() == flat.has_value(), "a document is read in one of two ways only");
    if (!tree)
    {
        check(tree.error().code == flat.error().code, "the same text fails with two codes");
        return check_equal(tree.error().message, flat.error().message, "or with two messages");
    }
    check(parser.has_kept_surrogates() == kept, "surrogates are kept in one of two ways only");
    check_equal(json::serialize(*tree), json::serialize(flat->to_value()), "two documents of one");
    check_equal(json::serialize(*tree), json::serialize(core::json_tape(*tree).root().to_value()),
                "a tree changes");
}

void check_document(std::string_view text, const limits& bounds)
{
    // what ill-formed text is repaired to
    const auto valid = decode_literally(text);
    recogniser literal(valid);
    const bool accepted = literal.accepts();
    core::json_parser parser(bounds);
    const auto document = parser.parse(text, {});
    if (!document)
    {
        const auto code = document.error().code;
        check(code == errc::bad_response || code == errc::too_large, "a failure without its code");
        check(!accepted || literal.depth() > bounds.json_depth || literal.has_huge_exponent(),
              "JSON is refused");
        if (accepted && !literal.has_huge_exponent())
            check(code == errc::too_large, "too much nesting has another code");
        return;
    }
    check(accepted, "what is no JSON is accepted");
    check(literal.depth() <= bounds.json_depth, "nesting above the limit is accepted");
    const auto sent = core::serialize_request(*document);
    check(sent.has_value() == is_finite(*document), "a document that was read cannot be written");
    if (!sent)
        return;
    check_written(*sent, *document, bounds);
    check_equal(core::serialize_text(*document), *sent, "the two writers differ");

    // a lone surrogate can be kept, and is then no character of the text
    const auto kept = parser.parse(text, {}, true);
    check(kept.has_value(), "with surrogates kept, JSON is refused");
    if (!literal.has_surrogates())
        check(*kept == *document, "without surrogates, keeping them changes the text");
}

void check_number(double number)
{
    const auto text = core::serialize_request(json::value(number));
    check(text.has_value() == std::isfinite(number), "a number that is none goes out");
    if (!text)
    {
        check(text.error().code == errc::invalid_request, "a failure without its code");
        check_equal(core::serialize_text(json::value(number)), "null", "not null");
        return;
    }
    check(std::strtod(text->c_str(), nullptr) == number, "a number loses digits");
    check(recogniser(*text).accepts(), "a number is not JSON");
}

/// Text as it comes from a program.
void check_text(std::string_view text)
{
    const json::value document{{text, text}};
    const auto sent = core::serialize_request(document);
    const bool valid = decode_literally(text) == text;
    check(sent.has_value() == valid, "text that is not UTF-8 goes out, or UTF-8 is refused");
    if (sent)
        check_written(*sent, document, limits());
    else
        check(sent.error().code == errc::invalid_request, "a failure without its code");
    const auto told = core::serialize_text(document);
    check(recogniser(told).accepts() && decode_literally(told) == told, "no JSON is told");
}

void run(std::string_view bytes)
{
    input in(bytes);
    limits bounds;
    bounds.json_depth = in.byte() % 32 + 1;
    check_document(in.rest(), bounds);
    check_tape(in.rest(), bounds);
    check_text(in.rest());
    std::uint64_t bits = 0;
    for (int i = 0; i < 8; ++i)
        bits = bits << 8 | in.byte();
    check_number(std::bit_cast<double>(bits));
}

const target registered("json", run);

}  // namespace
}  // namespace regolo::fuzz
