#include "core/json_writer.hpp"

#include "core/text_word.hpp"
#include "core/utf8.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace regolo::core {

namespace json = boost::json;

namespace {

bool is_utf8(std::string_view text) noexcept { return valid_utf8_prefix(text) == text.size(); }

/// A member on the way down to the value being written; the text is made only for an error.
struct link
{
    const link* parent = nullptr;
    std::string_view key;  // empty: an element of an array
    std::size_t index = 0;

    [[nodiscard]] std::string path() const
    {
        auto text = parent == nullptr ? std::string() : parent->path();
        if (key.empty())
            return text + '[' + std::to_string(index) + ']';
        if (!text.empty())
            text += '.';
        return text.append(key);
    }
};

class text_writer
{
public:
    explicit text_writer(bool strict) : strict_(strict) { out_.reserve(usual_size); }

    bool write(const json::value& json, const link* place)
    {
        switch (json.kind())
        {
            case json::kind::null:
                out_ += "null";
                return true;
            case json::kind::bool_:
                out_ += json.get_bool() ? "true" : "false";
                return true;
            case json::kind::int64:
                return write_number(json.get_int64());
            case json::kind::uint64:
                return write_number(json.get_uint64());
            case json::kind::double_:
                return write_double(json.get_double(), place);
            case json::kind::string:
                return write_string(json.get_string(), place);
            case json::kind::array:
                return write_array(json.get_array(), place);
            case json::kind::object:
                return write_object(json.get_object(), place);
        }
        return true;
    }

    [[nodiscard]] std::string take_text() { return std::move(out_); }
    [[nodiscard]] std::string take_problem() { return std::move(problem_); }

private:
    static constexpr std::size_t usual_size = 256;

    bool refuse(const link* place, std::string_view what)
    {
        problem_ = "the request cannot be sent: ";
        if (place != nullptr)
            problem_ += '"' + place->path() + "\" ";
        problem_ += what;
        return false;
    }

    template <class Integer>
    bool write_number(Integer number)
    {
        std::array<char, 24> digits{};
        const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
        out_.append(digits.data(), end);
        return true;
    }

    bool write_double(double number, const link* place)
    {
        if (!std::isfinite(number))
        {
            if (strict_)
                return refuse(place, "is not a finite number");
            out_ += "null";
            return true;
        }
        std::array<char, 32> digits{};
        const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
        const std::string_view text(digits.data(), static_cast<std::size_t>(end - digits.data()));
        out_ += text;
        // it stays a number with a fraction for servers that tell the two apart
        if (text.find_first_of(".e") == std::string_view::npos)
            out_ += ".0";
        return true;
    }

    bool write_string(std::string_view text, const link* place)
    {
        if (!is_utf8(text))
        {
            if (strict_)
                return refuse(place, "is not valid UTF-8");
            std::string valid;
            append_valid_utf8(valid, text);
            write_quoted(valid);
            return true;
        }
        write_quoted(text);
        return true;
    }

    void write_quoted(std::string_view text)
    {
        out_ += '"';
        for (std::size_t from = 0;;)
        {
            const auto at = find_escape(text, from);
            out_.append(text, from, at - from);
            if (at == text.size())
                break;
            write_escape(text[at]);
            from = at + 1;
        }
        out_ += '"';
    }

    /// The next character that cannot stand in a string as it is, or the size.
    static std::size_t find_escape(std::string_view text, std::size_t at) noexcept
    {
        return find_first(
            text, at,
            [](const text_word& next) {
                return next.less_than(0x20) | next.equal_to('"') | next.equal_to('\\');
            },
            [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; });
    }

    void write_escape(char c)
    {
        constexpr std::string_view hex = "0123456789abcdef";
        switch (c)
        {
            case '"':
                out_ += "\\\"";
                break;
            case '\\':
                out_ += "\\\\";
                break;
            case '\n':
                out_ += "\\n";
                break;
            case '\r':
                out_ += "\\r";
                break;
            case '\t':
                out_ += "\\t";
                break;
            case '\b':
                out_ += "\\b";
                break;
            case '\f':
                out_ += "\\f";
                break;
            default:
                out_ += "\\u00";
                out_ += hex[static_cast<unsigned char>(c) >> 4];
                out_ += hex[static_cast<unsigned char>(c) & 0xF];
        }
    }

    bool write_array(const json::array& array, const link* place)
    {
        out_ += '[';
        for (std::size_t i = 0; i < array.size(); ++i)
        {
            if (i != 0)
                out_ += ',';
            const link element{place, {}, i};
            if (!write(array[i], &element))
                return false;
        }
        out_ += ']';
        return true;
    }

    bool write_object(const json::object& object, const link* place)
    {
        out_ += '{';
        bool first = true;
        for (const auto& member : object)
        {
            if (!std::exchange(first, false))
                out_ += ',';
            if (!is_utf8(member.key()) && strict_)
                return refuse(place, "has a member whose name is not valid UTF-8");
            write_string(member.key(), place);
            out_ += ':';
            const link inner{place, member.key(), 0};
            if (!write(member.value(), &inner))
                return false;
        }
        out_ += '}';
        return true;
    }

    std::string out_;
    std::string problem_;
    bool strict_;
};

}  // namespace

result<std::string> serialize_request(const json::value& json)
{
    text_writer writer(true);
    if (!writer.write(json, nullptr))
        return invalid_request(writer.take_problem());
    return writer.take_text();
}

std::string serialize_text(const json::value& json)
{
    text_writer writer(false);
    writer.write(json, nullptr);
    return writer.take_text();
}

error_info invalid_request(std::string message)
{
    error_info info;
    info.code = errc::invalid_request;
    info.where = phase::prepare;
    info.message = std::move(message);
    return info;
}

}  // namespace regolo::core
