#include "core/codec.hpp"

#include "core/api_error.hpp"
#include "core/chat_codec.hpp"
#include "core/completion_codec.hpp"
#include "core/json_text.hpp"
#include "core/model_codec.hpp"

#include <boost/json/monotonic_resource.hpp>

namespace regolo::core {

template <class T>
result<T> decode(std::string_view body, const limits& bounds)
{
    boost::json::monotonic_resource memory;
    json_parser parser(bounds);
    const auto document = parser.parse(body, &memory);
    if (!document)
        return document.error();
    if (is_error_frame(*document))
        return decode_error_frame(*document);
    return read_document<T>(*document, bounds.index);
}

template result<chat_response> decode(std::string_view, const limits&);
template result<completion_response> decode(std::string_view, const limits&);
template result<model_list> decode(std::string_view, const limits&);

}  // namespace regolo::core
