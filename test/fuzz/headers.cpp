// The head of a request, read again by its lines: nothing that a caller gives adds a field or a request to it.

#include "core/http_message.hpp"
#include "fuzz.hpp"

#include <algorithm>
#include <array>

namespace regolo::fuzz {
namespace {

bool is_token(std::string_view text)
{
    static constexpr std::string_view allowed =
        "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return !text.empty() && text.find_first_not_of(allowed) == text.npos;
}

bool is_value(std::string_view text)
{
    for (const char c : text)
        if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F)
            return false;
    return true;
}

bool is_visible(std::string_view text)
{
    for (const char c : text)
        if (c <= 0x20 || c >= 0x7F)
            return false;
    return true;
}

std::string lower(std::string_view text)
{
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z')
            c = static_cast<char>(c - 'A' + 'a');
    return out;
}

bool frames_the_message(std::string_view name)
{
    static const std::array<std::string, 10> names{
        "host",       "content-length", "transfer-encoding", "connection",
        "keep-alive", "upgrade",        "proxy-connection",  "te",
        "trailer",    "expect"};
    return std::find(names.begin(), names.end(), lower(name)) != names.end();
}

bool is_valid(const core::http_request& request)
{
    bool valid = is_token(request.method) && !request.target.empty() && is_visible(request.target);
    for (const auto& field : request.headers)
        valid = valid && is_token(field.name) && is_value(field.value) &&
                !frames_the_message(field.name);
    return valid;
}

/// The lines of a head that ends in an empty one, and where it should.
std::vector<std::string> lines_of(std::string_view head)
{
    std::vector<std::string> lines;
    while (!head.empty())
    {
        const auto end = head.find("\r\n");
        check(end != head.npos, "the head breaks off in a line");
        const auto line = head.substr(0, end);
        check(line.find_first_of(std::string_view("\r\n\0", 3)) == line.npos,
              "a line end inside a line");
        head.remove_prefix(end + 2);
        check(!line.empty() || head.empty(), "the head ends too early");
        check(!line.empty() || !lines.empty(), "no request line");
        if (line.empty())
            return lines;
        lines.emplace_back(line);
    }
    fail("the head does not end");
}

void check_head(std::string_view head, const core::http_request& request, const core::origin& where,
                std::string_view key, const core::proxy_server* via)
{
    std::vector<std::string> wanted;
    const std::string usual_port = where.tls ? "443" : "80";
    const auto port = std::to_string(where.port);
    const auto host = where.host + (port == usual_port ? "" : ':' + port);
    const std::string absolute = via == nullptr ? "" : (where.tls ? "https://" : "http://") + host;
    wanted.push_back(std::string(request.method) + ' ' + absolute + request.target + " HTTP/1.1");
    wanted.push_back("Host: " + host);
    const auto has = [&](std::string_view name) {
        return std::any_of(request.headers.begin(), request.headers.end(),
                           [&](const auto& field) { return lower(field.name) == name; });
    };
    if (!key.empty() && !has("authorization"))
        wanted.push_back("Authorization: Bearer " + std::string(key));
    for (const auto& field : request.headers)
        wanted.push_back(std::string(field.name) + ": " + std::string(field.value));
    if (via != nullptr && !via->authorization.empty() && !has("proxy-authorization"))
        wanted.push_back("Proxy-Authorization: " + std::string(via->authorization.view()));
    const bool may_have_body =
        request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
    if (request.body && !request.body->bytes)
        wanted.push_back("Transfer-Encoding: chunked");
    else if (request.body || may_have_body)
        wanted.push_back("Content-Length: " +
                         std::to_string(request.body ? *request.body->bytes : 0));

    std::string ours;
    for (const auto& line : lines_of(head))
        ours += line + '\n';
    std::string theirs;
    for (const auto& line : wanted)
        theirs += line + '\n';
    check_equal(ours, theirs, "the head has other lines");
}

/// Method, target, key and fields, each up to a line of "--" or the end of an input; here a mark is the byte 0xFF.
void run(std::string_view bytes)
{
    constexpr char mark = '\xFF';
    input in(bytes);
    const auto options = in.byte();
    core::http_request request;
    if ((options & 1U) != 0)
        request.body = core::body_length{};
    if ((options & 2U) != 0)
        request.body = core::body_length{in.byte()};
    core::origin where;
    where.tls = (options & 4U) != 0;
    where.host = "api.example";
    where.port = (options & 8U) != 0 ? 8080 : where.tls ? 443 : 80;
    core::proxy_server proxy;
    proxy.host = "proxy.example";
    if ((options & 32U) != 0)
        proxy.authorization = core::secret("Basic dTpw");
    const auto* via = (options & 16U) != 0 ? &proxy : nullptr;

    request.method = in.until(mark);
    request.target = in.until(mark);
    const auto given = with_secret(in.until(mark));
    std::vector<header> fields;
    while (!in.empty())
    {
        const auto name = in.until(mark);
        fields.emplace_back(name, with_secret(in.until(mark)));
    }
    for (const auto& field : fields)
        request.headers.emplace_back(field);

    const auto key = core::clean_key(given);
    if (key)
        check(is_visible(*key) && key->find("://") == key->npos, "a key that is none");
    else
        check(key.error().code == errc::bad_config &&
                  key.error().message.find(secret) == std::string::npos,
              "a key is shown");
    const auto head = core::encode_head(request, where, given, via);
    if (!head)
    {
        check(!is_valid(request) || !key, "a request is refused");
        const auto code = head.error().code;
        check(code == errc::invalid_request || (!key && code == errc::bad_config),
              "a failure without its code");
        check(is_value(head.error().message), "a control character is shown");
        const bool named = std::any_of(
            request.headers.begin(), request.headers.end(),
            [](const auto& field) { return field.name.find(secret) != field.name.npos; });
        check(named || head.error().message.find(secret) == std::string::npos, "a value is shown");
        return;
    }
    check(is_valid(request), "a request that breaks HTTP goes out");
    check(key.has_value(), "a key that breaks HTTP goes out");
    check_head(head->view(), request, where, *key, via);

    for (const auto& field : request.headers)
    {
        auto changed = request.headers;
        core::set_header(changed, {field.name, "once"});
        check(std::count_if(
                  changed.begin(), changed.end(),
                  [&](const auto& each) { return lower(each.name) == lower(field.name); }) == 1,
              "a field is there twice");
        core::remove_header(changed, field.name);
        check(!find_header(changed, field.name), "a field is still there");
    }
}

const target registered("headers", run);

}  // namespace
}  // namespace regolo::fuzz
