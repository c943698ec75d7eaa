#include "testing/simulated_answer.hpp"
#include "testing/simulated_endpoint.hpp"
#include "testing/simulated_request.hpp"
#include "testing/simulated_text.hpp"

#include <boost/json/array.hpp>

#include <algorithm>

namespace json = boost::json;

namespace regolo::inline v0::testing {

namespace {

// One grey point each.
constexpr std::string_view jpeg =
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAP//////////////////////////////////////////////////////////"
    "////////////////////////////wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAP/EABQQAQAAAAAAAAAA"
    "AAAAAAAAAAD/2gAIAQEAAD8AP//Z";
constexpr std::string_view png =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mNoaGgAAAMEAYF1LgG8AAAAAElFTkSuQmCC";

bool is_known_size(std::string_view size)
{
    return size.empty() || size == "256x256" || size == "512x512" || size == "1024x1024";
}

}  // namespace

endpoint_answer answer_images(const endpoint_call& call)
{
    const auto prompt = text_member(call.body, "prompt");
    if (prompt.empty())
        return bad_request_error("prompt is required", "prompt");
    const auto n = number(call.body, "n", 1);
    if (n == 0 || n > 10)
        return bad_request_error("n is 1 to 10", "n");
    if (!is_known_size(text_member(call.body, "size")))
        return bad_request_error("size is 256x256, 512x512 or 1024x1024", "size");
    const auto format = text_member(call.body, "response_format");
    if (!format.empty() && format != "url" && format != "b64_json")
        return bad_request_error("response_format is url or b64_json", "response_format");
    const bool is_png = text_member(call.body, "output_format") == "png";
    json::array data;
    for (std::size_t i = 0; i != n; ++i)
    {
        if (format == "url")
            data.push_back(
                json::object{{"url", "https://images.example/" + hex(hash(prompt, hash("i") + i)) +
                                         (is_png ? ".png" : ".jpg")}});
        else
            data.push_back(json::object{{"b64_json", is_png ? png : jpeg}});
    }
    const auto tokens = token_text(prompt).size();
    return simulated_body{json::object{{"created", 1'777'282'023}, {"data", std::move(data)}},
                          tokens};
}

}  // namespace regolo::inline v0::testing
