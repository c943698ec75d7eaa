#include "literal_sse.hpp"

namespace regolo::fuzz {

namespace {

struct line
{
    std::string text;
    bool complete = false;
};

/// Lines end in CRLF, LF or CR.
std::vector<line> lines_of(const std::string& stream)
{
    std::vector<line> lines;
    std::string text;
    for (std::size_t i = 0; i < stream.size(); ++i)
    {
        if (stream[i] != '\n' && stream[i] != '\r')
        {
            text += stream[i];
            continue;
        }
        if (stream[i] == '\r' && i + 1 < stream.size() && stream[i + 1] == '\n')
            ++i;
        lines.push_back({text, true});
        text = "";
    }
    if (!text.empty())
        lines.push_back({text, false});
    return lines;
}

bool has_only_digits(const std::string& text)
{
    for (const char c : text)
        if (c < '0' || c > '9')
            return false;
    return true;
}

/// "interpret the field value as an integer in base ten"; ours stops at 2^53.
std::int64_t integer_of(const std::string& digits)
{
    const std::int64_t most = std::int64_t{1} << 53;
    std::int64_t value = 0;
    for (const char c : digits)
    {
        value = 10 * value + (c - '0');
        if (value > most)
            value = most;
    }
    return value;
}

}  // namespace

std::string decode_literally(std::string_view bytes)
{
    std::string out;
    const std::string replacement = "\xEF\xBF\xBD";
    std::string sequence;  // the bytes of the code point so far
    int needed = 0;
    int lower = 0x80;
    int upper = 0xBF;
    for (std::size_t i = 0; i < bytes.size(); ++i)
    {
        const int byte = static_cast<unsigned char>(bytes[i]);
        if (needed == 0)
        {
            if (byte <= 0x7F)
            {
                out += bytes[i];
            }
            else if (byte >= 0xC2 && byte <= 0xF4)
            {
                needed = byte <= 0xDF ? 1 : byte <= 0xEF ? 2 : 3;
                lower = byte == 0xE0 ? 0xA0 : byte == 0xF0 ? 0x90 : 0x80;
                upper = byte == 0xED ? 0x9F : byte == 0xF4 ? 0x8F : 0xBF;
                sequence = bytes.substr(i, 1);
            }
            else
            {
                out += replacement;
            }
            continue;
        }
        if (byte < lower || byte > upper)
        {
            out += replacement;
            needed = 0;
            lower = 0x80;
            upper = 0xBF;
            --i;  // "restore byte to ioQueue"
            continue;
        }
        lower = 0x80;
        upper = 0xBF;
        sequence += bytes[i];
        if (--needed == 0)
            out += sequence;
    }
    return needed == 0 ? out : out + replacement;
}

literal_stream read_literally(std::string_view bytes, std::size_t limit, bool report_unknown)
{
    literal_stream out;
    const std::string_view mark = "\xEF\xBB\xBF";
    // one that breaks off is text to the standard, in a line that is never complete
    if (mark.substr(0, bytes.size()) == bytes.substr(0, 3))
        bytes = bytes.substr(bytes.size() < 3 ? bytes.size() : 3);

    std::string data;
    std::string event;
    std::string id;
    bool has_data = false;
    bool has_id = false;
    for (const auto& [text, complete] : lines_of(std::string(bytes)))
    {
        if (text.empty())
        {
            if (has_id)
                out.last_id = decode_literally(id);
            has_id = false;
            if (has_data)
                // "If the data buffer's last character is a LINE FEED, remove it"
                out.events.push_back({decode_literally(event),
                                      decode_literally(data.substr(0, data.size() - 1)),
                                      out.last_id});
            data = event = "";
            has_data = false;
            continue;
        }
        if (text[0] == ':')
        {
            out.comments += complete ? 1 : 0;
            continue;
        }
        const auto colon = text.find(':');
        const auto field = text.substr(0, colon);
        std::string value = colon == std::string::npos ? "" : text.substr(colon + 1);
        if (!value.empty() && value[0] == ' ')
            value = value.substr(1);
        const bool known = field == "data" || field == "event" || field == "id" || field == "retry";
        if (known || report_unknown)
        {
            const auto size = field == "data" ? data.size() + value.size()
                              : known         ? value.size()
                                              : text.size();
            out.too_large = size > limit;
            if (out.too_large)
                return out;
        }
        if (field == "event")
        {
            event = value;
        }
        else if (field == "data")
        {
            data += value + "\n";
            has_data = true;
        }
        else if (field == "id")
        {
            if (value.find('\0') == std::string::npos)
            {
                id = value;
                has_id = true;
            }
        }
        else if (field == "retry")
        {
            if (!value.empty() && has_only_digits(value) && complete)
                out.retry = integer_of(value);
        }
        else if (complete)
        {
            out.unknown.push_back(decode_literally(text));
        }
        else
        {
            out.unknown_end = decode_literally(text);
        }
    }
    if (has_data)
        out.unfinished = literal_event{decode_literally(event),
                                       decode_literally(data.substr(0, data.size() - 1)),
                                       has_id ? decode_literally(id) : out.last_id};
    return out;
}

}  // namespace regolo::fuzz
