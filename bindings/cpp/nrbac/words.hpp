// SPDX-License-Identifier: Apache-2.0
/// @file
/// The words that decisions are said in, made of the tables in <nrbac/*.def>.
#ifndef NRBAC_WORDS_HPP
#define NRBAC_WORDS_HPP

#include <nrbac/types.h>

#include <string_view>

namespace nrbac
{

/// The four outcomes. Only PERMIT is access.
enum class effect {
#define NRBAC_EFFECT(number, name, slug) name = number,
#include <nrbac/effect.def>
#undef NRBAC_EFFECT
};

/// Why a decision came out as it did; each belongs to one effect.
enum class reason {
#define NRBAC_REASON(number, name, slug, effect, message, doc) name = number,
#include <nrbac/reason.def>
#undef NRBAC_REASON
};

/// What the world did to a call. A denial is not one of these.
enum class status {
#define NRBAC_STATUS(number, name, text) name = number,
#include <nrbac/status.def>
#undef NRBAC_STATUS
};

/// The stable word for an effect, such as "permit".
inline std::string_view slug(effect of) noexcept
{
    return nrbac_effect_slug(static_cast<nrbac_effect>(of));
}

/// The stable word for a reason, such as "granted-by-baseline".
inline std::string_view slug(reason of) noexcept
{
    return nrbac_reason_slug(static_cast<nrbac_reason>(of));
}

/// One sentence that explains a reason to whoever reads the log.
inline std::string_view doc(reason of) noexcept
{
    return nrbac_reason_doc(static_cast<nrbac_reason>(of));
}

/// The only effect that the reason may accompany.
inline effect effect_of(reason of) noexcept
{
    return static_cast<effect>(nrbac_reason_effect(static_cast<nrbac_reason>(of)));
}

/// What a status means, as one line.
inline std::string_view text(status of) noexcept
{
    return nrbac_status_text(static_cast<nrbac_status>(of));
}

/// The reason with this slug; NOT_EVALUATED, which denies, for one that this release
/// does not know.
inline reason reason_of(std::string_view slug) noexcept
{
#define NRBAC_REASON(number, name, text, effect, message, doc) \
    if (slug == text)                                          \
        return reason::name;
#include <nrbac/reason.def>
#undef NRBAC_REASON
    return reason::NOT_EVALUATED;
}

/// The effect with this slug; DENY for one that this release does not know.
inline effect effect_of(std::string_view slug) noexcept
{
#define NRBAC_EFFECT(number, name, text) \
    if (slug == text)                    \
        return effect::name;
#include <nrbac/effect.def>
#undef NRBAC_EFFECT
    return effect::DENY;
}

/// The release of the library that is linked, such as "0.1.0".
inline std::string_view version() noexcept
{
    return nrbac_version();
}

}  // namespace nrbac

#endif
