#include "core/multipart.hpp"
#include "core/utf8.hpp"
#include "operations.hpp"
#include "refuse.hpp"
#include "upload_content.hpp"

#include <regolo/transcription.hpp>

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

namespace regolo::inline v0 {

transcription_request::transcription_request(std::string_view model_name, upload recording)
    : model(model_name), file(std::move(recording))
{}

namespace detail {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

/// The text of a form and the file in its middle.
class form_source final : public net::body_source
{
public:
    /// @param size  of the file, as it was announced
    form_source(std::string before, std::unique_ptr<net::body_source> file,
                std::optional<std::uint64_t> size, std::string after)
        : before_(std::move(before)), file_(std::move(file)), size_(size), after_(std::move(after))
    {}

    asio::awaitable<std::string_view> read() override
    {
        if (!std::exchange(began_, true))
            co_return before_;
        if (file_)
        {
            const auto piece = co_await file_->read();
            count(piece);
            if (!piece.empty())
                co_return piece;
            file_.reset();
            co_return after_;
        }
        co_return std::string_view();
    }

private:
    void count(std::string_view piece)
    {
        given_ += piece.size();
        if (!size_ || (piece.empty() ? given_ >= *size_ : given_ <= *size_))
            return;
        // one byte more or less, and the next request on the connection would be read out of this one
        error_info info;
        info.code = errc::upload_failed;
        info.where = phase::send;
        info.message = "the source of the upload gave " + std::to_string(given_) +
                       (piece.empty() ? " bytes" : " or more bytes") + " instead of the " +
                       std::to_string(*size_) + " that were announced";
        throw error(std::move(info));
    }

    std::string before_;
    std::unique_ptr<net::body_source> file_;
    std::optional<std::uint64_t> size_;
    std::uint64_t given_ = 0;
    std::string after_;
    bool began_ = false;
};

/// Writes the fields of a request into a form.
class form_writer
{
public:
    form_writer(core::multipart_form& form, const json::object& extra) : form_(form), extra_(extra)
    {}

    void put(std::string_view name, std::string_view value)
    {
        if (!value.empty() && !is_overridden(name))
            add(name, value);
    }
    void put(std::string_view name, const std::optional<double>& value)
    {
        if (value && !is_overridden(name))
            add(name, json::value(*value));
    }
    void put(std::string_view name, const json::value& value)
    {
        if (!is_overridden(name))
            add(name, value);
    }
    void put(std::string_view name, const std::vector<std::string>& values)
    {
        if (is_overridden(name))
            return;
        for (const auto& value : values)
            add(std::string(name) + "[]", value);
    }
    void put_extra()
    {
        for (const auto& member : extra_)
            add(member.key(), member.value());
    }

private:
    [[nodiscard]] bool is_overridden(std::string_view name) const
    {
        return extra_.contains(name) || extra_.contains(std::string(name) + "[]");
    }

    void add(std::string_view name, std::string_view value)
    {
        if (core::valid_utf8_prefix(name) != name.size() ||
            core::valid_utf8_prefix(value) != value.size())
            refuse("the request cannot be sent: a form field has text that is not UTF-8");
        form_.add(name, value);
    }

    void add(std::string_view name, const json::value& value)
    {
        if (value.is_null())
            return;
        if (const auto* number = value.if_double())
            return add_number(name, *number);
        if (const auto* text = value.if_string())
            return add(name, std::string_view(*text));
        const auto* list = value.if_array();
        if (list == nullptr)
            return add(name, std::string_view(json::serialize(value)));
        const auto repeated = name.ends_with("[]") ? std::string(name) : std::string(name) + "[]";
        for (const auto& each : *list)
            add(repeated, each);
    }

    void add_number(std::string_view name, double number)
    {
        if (!std::isfinite(number))
            refuse("the request cannot be sent: \"" + std::string(name) + "\" is not finite");
        std::array<char, 32> digits{};
        const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number);
        form_.add(name, std::string_view(digits.data(), end.ptr));
    }

    core::multipart_form& form_;
    const json::object& extra_;
};

std::string file_type(const upload& file)
{
    if (file.content_type.empty())
        return std::string(core::media_type_of_name(file.file_name));
    const auto is_control = [](unsigned char each) { return each < 0x20 || each == 0x7F; };
    if (std::any_of(file.content_type.begin(), file.content_type.end(), is_control))
        refuse("upload::content_type has a control character, such as a line break");
    return file.content_type;
}

core::multipart_form make_form(const transcription_request& request, const std::string& model,
                               bool stream, std::string boundary)
{
    core::multipart_form form(std::move(boundary));
    form_writer fields(form, request.extra);
    fields.put("model", model);
    fields.put("language", request.language);
    fields.put("prompt", request.prompt);
    fields.put("response_format", request.response_format);
    fields.put("temperature", request.temperature);
    fields.put("chunking_strategy", request.chunking_strategy);
    fields.put("include", request.include);
    fields.put("timestamp_granularities", request.timestamp_granularities);
    if (stream)
        fields.put("stream", std::string_view("true"));
    fields.put_extra();
    if (request.extra.contains("file"))
        refuse("the file of the request goes into transcription_request::file, not into extra");
    if (request.file.file_name.find('\0') != std::string::npos ||
        core::valid_utf8_prefix(request.file.file_name) != request.file.file_name.size())
        refuse("upload::file_name has a zero byte or is not UTF-8");
    form.begin_file("file", request.file.file_name, file_type(request.file));
    return form;
}

net::outgoing_body make_body(const core::multipart_form& form, const upload& file)
{
    net::outgoing_body body;
    const auto size = file.internal()->size();
    body.open = [content = file.internal(), size, before = form.before_file(),
                 after = form.after_file()] {
        return std::make_unique<form_source>(before, content->open(), size, after);
    };
    if (size)
        body.size = form.before_file().size() + *size + form.after_file().size();
    body.one_shot = file.internal()->is_one_shot();
    return body;
}

}  // namespace

call_plan transcription_plan(const client_state& client, const transcription_request& request,
                             transcription_task task)
{
    const auto& config = client.config;
    const bool translate = task == transcription_task::translate;
    const bool stream = task == transcription_task::stream;
    call_plan plan;
    plan.operation = translate ? "translation" : "transcription";
    plan.path = translate ? config.paths.translations : config.paths.transcriptions;
    plan.model = model_of(request, config.models.transcription);
    plan.stream = stream;
    plan.accept = stream ? "text/event-stream" : "*/*";
    try
    {
        if (plan.model.empty() && !request.extra.contains("model"))
            refuse("no model: name one in the request, or set client_config::models.transcription");
        if (request.file.empty())
            refuse("the request has no file: set transcription_request::file");
        // Random enough that no recording has it in it.
        const auto form = make_form(request, plan.model, stream, "regolo-" + client.make_call_id());
        plan.content_type = form.content_type();
        plan.body = make_body(form, request.file);
    }
    catch (const error& failure)
    {
        plan.refused = failure.info();
    }
    return plan;
}

}  // namespace detail

}  // namespace regolo::inline v0
