// A form, taken apart again: no name, value or file name ends its part or begins another.

#include "core/multipart.hpp"

#include "fuzz.hpp"

#include <vector>

namespace regolo::fuzz {
namespace {

constexpr std::string_view boundary = "fuzz7MA4YWxkTrZu0gW";

struct part
{
    std::string name;
    std::string file_name;
    std::string content_type;
    std::string value;
};

/// What a browser's form has in the place of quotes and line ends.
std::string unescaped(std::string_view text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i)
    {
        const auto escape = text.substr(i, 3);
        const char plain = escape == "%22"   ? '"'
                           : escape == "%0D" ? '\r'
                           : escape == "%0A" ? '\n'
                                             : '\0';
        if (plain != '\0')
            i += 2;
        out += plain != '\0' ? plain : text[i];
    }
    return out;
}

/// `name="..."` out of a header line; the value has no quote in it.
std::string parameter(std::string_view line, std::string_view name)
{
    const auto opening = "; " + std::string(name) + "=\"";
    const auto at = line.find(opening);
    if (at == line.npos)
        return {};
    line.remove_prefix(at + opening.size());
    check(line.find('"') != line.npos, "a quote that does not end");
    return std::string(line.substr(0, line.find('"')));
}

std::vector<part> take_apart(std::string_view body)
{
    const auto line = "--" + std::string(boundary);
    std::vector<part> parts;
    for (;;)
    {
        check(body.starts_with(line), "a part does not begin with the boundary");
        body.remove_prefix(line.size());
        if (body == "--\r\n")
            return parts;
        check(body.starts_with("\r\n"), "a boundary goes on");
        body.remove_prefix(2);
        const auto end = body.find("\r\n" + line);
        const auto head_end = body.find("\r\n\r\n");
        check(end != body.npos && head_end != body.npos && head_end + 2 <= end, "an open part");
        auto head = body.substr(0, head_end);
        part& one = parts.emplace_back();
        one.value = body.substr(head_end + 4, end - std::min(end, head_end + 4));
        body.remove_prefix(end + 2);

        const auto first = head.substr(0, head.find("\r\n"));
        check(first.starts_with("Content-Disposition: form-data; name=\""), "another header");
        check(first.find_first_of("\r\n") == first.npos, "a line end in a name");
        one.name = parameter(first, "name");
        one.file_name = parameter(first, "filename");
        head.remove_prefix(std::min(first.size() + 2, head.size()));
        if (!head.empty())
        {
            check(head.starts_with("Content-Type: ") && head.find("\r\n") == head.npos,
                  "a part has further headers");
            one.content_type = head.substr(14);
        }
    }
}

/// A file name and a file, then names and values, each up to the byte 0xFF.
void run(std::string_view bytes)
{
    constexpr char mark = '\xFF';
    // the caller draws a boundary that is not in the content
    if (bytes.find(boundary) != bytes.npos)
        return;
    input in(bytes);
    const auto file_name = in.until(mark);
    const auto file = in.until(mark);
    std::vector<part> wanted;
    core::multipart_form form{std::string(boundary)};
    while (!in.empty())
    {
        part one;
        one.name = in.until(mark);
        one.value = in.until(mark);
        form.add(one.name, one.value);
        wanted.push_back(one);
    }
    const auto type = core::media_type_of_name(file_name);
    check(type.find('/') != type.npos && type.find_first_of("\r\n ;") == type.npos, "no type");
    form.begin_file("file", file_name, type);
    const auto parts = take_apart(form.before_file() + std::string(file) + form.after_file());

    check(parts.size() == wanted.size() + 1, "there are more parts or fewer");
    for (std::size_t i = 0; i < wanted.size(); ++i)
    {
        // an escape that was in the name already reads as the character it stands for
        check_equal(unescaped(parts[i].name), unescaped(wanted[i].name), "another name");
        check_equal(parts[i].value, wanted[i].value, "another value");
        check(parts[i].file_name.empty() && parts[i].content_type.empty(), "a value as a file");
    }
    check_equal(unescaped(parts.back().file_name), unescaped(file_name), "another file name");
    check_equal(parts.back().content_type, type, "another type");
    check_equal(parts.back().value, file, "another file");
    check(form.content_type() == "multipart/form-data; boundary=" + std::string(boundary),
          "the type of the form");
}

const target registered("multipart", run);

}  // namespace
}  // namespace regolo::fuzz
