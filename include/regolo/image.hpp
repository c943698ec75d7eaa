#pragma once

#include <regolo/error.hpp>
#include <regolo/json.hpp>
#include <regolo/metadata.hpp>
#include <regolo/usage.hpp>

#include <boost/json/object.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace regolo::inline v0 {

/** A request to `/v1/images/generations`.

    Only what is set is sent: an empty `std::optional` or string means "not sent". `extra` may hold any further
    member, null included, and wins over a typed member of the same name. A picture takes its time: 8 to 25 s each.

    @par Example
    @code
    auto answer = co_await client.generate_images({"Qwen-Image", "A street in Rome"});
    std::ofstream("rome.jpg", std::ios::binary) << answer.bytes();
    @endcode
*/
class REGOLO_EXPORT image_request
{
public:
    image_request() = default;
    /// For that model; an empty name means `client_config::models.image`.
    image_request(std::string_view model_name, std::string_view prompt_text);

    std::string model;
    std::string prompt;
    std::optional<std::int64_t> n;  ///< how many pictures
    std::string size;               ///< such as "1024x1024"
    std::string quality;            ///< such as "standard"
    std::string style;              ///< such as "realistic"
    std::string response_format;    ///< "b64_json" or "url". Empty: the server's choice
    std::string end_user;           ///< sent as `user`
    /// Further members, as they go over the wire.
    boost::json::object extra;
};

/// A picture, as its bytes or as the URL of it.
struct REGOLO_EXPORT image
{
    image() = default;

    /// The file, decoded from `b64_json` or from a base64 `data:` URI; empty where the server sent another URL.
    std::string bytes;
    std::string url;             ///< as sent; empty where it was a `data:` URI that is now `bytes`
    std::string revised_prompt;  ///< what the model was really asked, if not the prompt
    boost::json::object extra;

    /// What the bytes are, whatever the request asked for: "image/png", "image/jpeg", "image/webp" or "image/gif";
    /// empty for anything else.
    [[nodiscard]] std::string_view media_type() const noexcept;
};

/// The answer to an `image_request`.
struct REGOLO_EXPORT image_response
{
    image_response() = default;

    std::int64_t created = 0;  ///< seconds since 1970
    std::vector<image> data;
    std::optional<regolo::usage> usage;
    boost::json::object extra;
    regolo::metadata metadata;

    /// The bytes of the picture in that place; empty when there are none. Never throws.
    [[nodiscard]] const std::string& bytes(std::size_t index = 0) const noexcept;
};

template <>
REGOLO_EXPORT result<image_request> from_json<image_request>(const boost::json::value& json);
/// What claims to be base64 and is not is `errc::bad_response`.
template <>
REGOLO_EXPORT result<image> from_json<image>(const boost::json::value& json);
template <>
REGOLO_EXPORT result<image_response> from_json<image_response>(const boost::json::value& json);
[[nodiscard]] REGOLO_EXPORT boost::json::value to_json(const image_request& request);
/// With the bytes as `b64_json`.
[[nodiscard]] REGOLO_EXPORT boost::json::value to_json(const image& value);
[[nodiscard]] REGOLO_EXPORT boost::json::value to_json(const image_response& response);

}  // namespace regolo::inline v0
