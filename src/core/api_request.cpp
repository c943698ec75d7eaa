#include "core/json_reader.hpp"
#include "core/json_text.hpp"
#include "core/json_writer.hpp"

#include <regolo/api_request.hpp>
#include <regolo/options.hpp>

namespace regolo::inline v0 {

api_request::api_request(std::string_view http_method, std::string_view url_path)
    : method(http_method), path(url_path)
{}

api_request::api_request(std::string_view http_method, std::string_view url_path,
                         std::string_view text)
    : method(http_method), path(url_path), body(text)
{}

api_request::api_request(std::string_view http_method, std::string_view url_path,
                         const boost::json::value& json)
    : method(http_method), path(url_path), body(core::serialize_request(json).value())
{}

boost::json::value api_response::json() const
{
    core::json_parser parser(limits{});
    core::json_tape tape;
    const auto document = parser.parse(body, tape);
    const auto in_range = document ? core::check_range(*document) : result<void>();
    if (document && in_range)
        return document->to_value();
    auto failure = document ? in_range.error() : document.error();
    failure.http_status = metadata.status;
    failure.request_id = metadata.request_id;
    throw error(std::move(failure));
}

}  // namespace regolo::inline v0
