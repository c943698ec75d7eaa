#pragma once

#include <regolo/error.hpp>
#include <regolo/metadata.hpp>

#include <boost/json/value.hpp>

#include <string>
#include <string_view>

namespace regolo::inline v0 {

/** A request to any path of the API, for what has no typed method yet.

    The path is joined to the base URL as those of the typed methods are: with or without a leading
    `/v1`, which is never doubled. It may end in a query.
*/
class REGOLO_EXPORT api_request
{
public:
    api_request() = default;
    /// Without a body, such as ("GET", "/v1/models").
    api_request(std::string_view http_method, std::string_view url_path);
    /// With a body that is sent as it is.
    api_request(std::string_view http_method, std::string_view url_path, std::string_view text);
    api_request(std::string_view http_method, std::string_view url_path, const char* text)
        : api_request(http_method, url_path, std::string_view(text))
    {}
    /// With a JSON body. Throws `error` with `errc::invalid_request` for a number that is not finite and
    /// for text that is not UTF-8.
    api_request(std::string_view http_method, std::string_view url_path,
                const boost::json::value& json);

    std::string method = "POST";
    std::string path;
    std::string body;                               ///< sent as it is
    std::string content_type = "application/json";  ///< not sent without a body
};

/// The answer to an `api_request`: a success (2xx) with its body as it came.
struct REGOLO_EXPORT api_response
{
    api_response() = default;

    std::string body;
    regolo::metadata metadata;

    /// The body as JSON; throws `error` with `errc::bad_response` when it is none, or has a number beyond the range
    /// of a double.
    [[nodiscard]] boost::json::value json() const;
};

/// One event of a stream, as `client::stream_request` yields it.
struct REGOLO_EXPORT server_event
{
    server_event() = default;

    std::string event;  ///< the `event:` field; empty when there was none
    std::string data;   ///< the `data:` lines, joined by line feeds
    std::string id;     ///< the last event id
};

}  // namespace regolo::inline v0
