// Whatever answers instead of the API: a typed error that can be shown, and never the key.

#include "core/api_error.hpp"
#include "core/http_message.hpp"
#include "core/json_tape.hpp"
#include "fuzz.hpp"
#include "literal_sse.hpp"

#include <regolo/json.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <array>
#include <map>

namespace regolo::fuzz {
namespace {

namespace json = boost::json;

/// Status, then lines "name: value" up to an empty one; the rest is the body.
core::response_head read_head(input& in, int status)
{
    core::response_head head;
    head.status = status;
    for (;;)
    {
        const auto line = in.until('\n');
        if (line.empty())
            return head;
        const auto colon = line.find(':');
        const auto value = colon == line.npos ? std::string_view() : line.substr(colon + 1);
        head.headers.emplace_back(with_secret(line.substr(0, colon)), with_secret(value));
    }
}

/// The codes that a status may stand for; the server's words decide among them.
bool is_allowed(int status, errc code)
{
    static const std::map<int, std::vector<errc>> allowed{
        {400, {errc::bad_request, errc::not_found, errc::unauthorized}},
        {401, {errc::unauthorized}},
        {402, {errc::quota_exhausted}},
        {403, {errc::permission_denied}},
        {404, {errc::not_found}},
        {405, {errc::bad_request}},
        {406, {errc::bad_request}},
        {407, {errc::proxy_refused}},
        {408, {errc::request_timeout}},
        {409, {errc::conflict}},
        {413, {errc::payload_too_large}},
        {415, {errc::bad_request}},
        {422, {errc::bad_request}},
        {429, {errc::rate_limited}},
        {500, {errc::server_error}},
        {502, {errc::unavailable}},
        {503, {errc::unavailable}},
        {504, {errc::unavailable}},
        {529, {errc::unavailable}},
    };
    if (code == errc::quota_exhausted)  // said by the server's words, with any status
        return true;
    const auto found = allowed.find(status);
    if (found == allowed.end())
        return status >= 300 && status < 400 ? code == errc::redirected : code != errc::redirected;
    for (const auto each : found->second)
        if (each == code)
            return true;
    return false;
}

void check_error(const error_info& info)
{
    check(info.code.category() == error_category(), "a failure without a code of ours");
    const auto name = to_string(static_cast<errc>(info.code.value()));
    check(!name.empty() && name != "unknown", "a code that nobody knows");
    check(!info.message.empty(), "a failure without a message");
    check(decode_literally(info.message) == info.message, "a message that is not UTF-8");
    for (const char c : info.message)
        check(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F, "a control character is shown");
    const auto line = describe(info);
    check(decode_literally(line) == line, "a description that is not UTF-8");
    for (const char c : line)
        check(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F, "a description of several lines");
    if (info.retry_after)
        check(info.retry_after->count() > 0 && *info.retry_after <= std::chrono::hours(24 * 366),
              "a time to wait that makes no sense");
    static_cast<void>(core::effective_status(info));
    static_cast<void>(is_retryable(info));
    if (core::is_exhausted(info))
        check(!is_retryable(info), "a used-up budget is retried");
    const auto written = to_json(info);
    const auto read = from_json<error_info>(written);
    check(read.has_value(), "an error cannot be read back");
    check_equal(json::serialize(to_json(*read)), json::serialize(written), "an error changes");
}

void check_redacted(error_info info)
{
    core::redact(info, secret);
    const auto shown = json::serialize(to_json(info)) + describe(info);
    check(shown.find(secret) == shown.npos, "the key is shown");
    for (const auto* text : {&info.message, &info.server_message, &info.server_type,
                             &info.server_code, &info.server_param, &info.request_id})
        check(text->find(secret) == text->npos, "the key is in a member");
}

void run(std::string_view bytes)
{
    static constexpr std::array<int, 24> statuses{300, 301, 307, 308, 400, 401, 402, 403,
                                                  404, 405, 406, 407, 408, 409, 413, 415,
                                                  422, 429, 500, 501, 502, 503, 504, 529};
    input in(bytes);
    const auto status = statuses.at(in.below(statuses.size()));
    const auto head = read_head(in, status);
    const auto body = with_secret(in.rest());
    const auto now = std::chrono::sys_seconds(std::chrono::seconds(1764370000));

    auto info = core::decode_error(head, body, now);
    check(info.http_status == status, "the status is lost");
    check(is_allowed(status, static_cast<errc>(info.code.value())), "the code is not the status's");
    check_error(info);
    check_redacted(std::move(info));
    for (const auto place : {core::error_place::body, core::error_place::stream})
    {
        auto text = core::decode_error_text(body, place);
        check_error(text);
        check_redacted(std::move(text));
        json::error_code ec;
        const auto document = json::parse(body, ec);
        if (ec)
            continue;
        static_cast<void>(core::is_error_frame(core::json_tape(document).root()));
        auto frame = core::decode_error_frame(core::json_tape(document).root(), place);
        check_error(frame);
        check_redacted(std::move(frame));
    }
}

const target registered("error_body", run);

}  // namespace
}  // namespace regolo::fuzz
