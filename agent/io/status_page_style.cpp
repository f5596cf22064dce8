// How the status page looks: light and dark, from a phone's width on. See status_page.hpp.
#include "agent/io/status_page.hpp"

namespace agent::io {
namespace {

constexpr std::string_view kStyle = R"css(
:root{--bg:#f6f7f9;--card:#fff;--text:#1b1f24;--dim:#59636e;--line:#d5dae1;--good:#116329;
--good-bg:#dafbe1;--info:#0a4fa8;--info-bg:#ddeeff;--bad:#a40e26;--bad-bg:#ffebe9;--warn:#7d4e00;
--warn-bg:#fff3cd;--focus:#0a4fa8}
@media (prefers-color-scheme:dark){:root{--bg:#0e1116;--card:#171c23;--text:#e6edf3;--dim:#9aa5b1;
--line:#323a45;--good:#6fdd8b;--good-bg:#12301c;--info:#8cc2ff;--info-bg:#10294a;--bad:#ff9a92;
--bad-bg:#3d1316;--warn:#f0c36a;--warn-bg:#35290c;--focus:#8cc2ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--text);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:64rem;margin:0 auto;padding:1rem}
header{display:flex;flex-wrap:wrap;gap:.25rem 1rem;align-items:baseline;
justify-content:space-between}
h1{font-size:1.35rem;margin:.2rem 0}h1 span{color:var(--dim);font-weight:400}
h2{font-size:1.1rem;margin:1.5rem 0 .5rem}h3{font-size:1.15rem;margin:0}
h4{font-size:.95rem;margin:0 0 .4rem}
#live{margin:0;color:var(--dim);font-size:.9rem}
#live.lost{color:var(--bad);font-weight:600}
main.stale #pairs,main.stale #events{opacity:.45}
.card{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:1rem;
margin:1rem 0}
.top{display:flex;flex-wrap:wrap;gap:.5rem;align-items:center}
.badge{display:inline-block;border-radius:1rem;padding:.05rem .7rem;font-weight:600;
font-size:.9rem;background:var(--warn-bg);color:var(--warn)}
.badge.leading,.badge.up{background:var(--good-bg);color:var(--good)}
.badge.standby{background:var(--info-bg);color:var(--info)}
.badge.fault,.badge.stopped,.badge.dead,.badge.hung,.badge.unreachable,.badge.denied,.badge.down{
background:var(--bad-bg);color:var(--bad)}
.vips{margin-left:auto;font-variant-numeric:tabular-nums}
.reason{color:var(--dim);margin:.4rem 0 .8rem;overflow-wrap:anywhere}
.verdict{margin:.8rem 0 0;padding:.5rem .75rem;border-radius:.4rem;background:var(--warn-bg);
color:var(--warn);overflow-wrap:anywhere}
.verdict.good{background:var(--good-bg);color:var(--good)}
.alarms{list-style:none;margin:.8rem 0 0;padding:0}
.alarms li{background:var(--bad-bg);color:var(--bad);border-radius:.4rem;padding:.5rem .75rem;
margin-top:.4rem;overflow-wrap:anywhere}
.alarms li::before{content:"Alarm: ";font-weight:700}
.nodes{display:grid;grid-template-columns:1fr 1fr;gap:1rem}
.nodes>div{border:1px solid var(--line);border-radius:.5rem;padding:.75rem;min-width:0}
dl{display:grid;grid-template-columns:auto 1fr;gap:.1rem .75rem;margin:.5rem 0 0;font-size:.92rem}
dt{color:var(--dim);min-width:5.5rem}
.alarms:empty{display:none}
dd{margin:0;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
.filter{display:flex;gap:.4rem;flex-wrap:wrap;margin:.5rem 0}
button{font:inherit;font-size:.9rem;padding:.3rem .9rem;border:1px solid var(--line);
border-radius:1rem;background:var(--card);color:var(--text);cursor:pointer;min-height:2.2rem}
button[aria-pressed=true]{background:var(--info-bg);color:var(--info);border-color:var(--info)}
:focus-visible{outline:3px solid var(--focus);outline-offset:2px}
#events{list-style:none;margin:0;padding:0;font-size:.92rem}
#events li{display:grid;grid-template-columns:12.5rem 1fr;gap:0 1rem;padding:.45rem .25rem;
border-top:1px solid var(--line)}
#events time{color:var(--dim);font-variant-numeric:tabular-nums}
#events .what{overflow-wrap:anywhere}
#events .warning .what{color:var(--warn)}#events .error .what{color:var(--bad)}
#events .path{display:block;color:var(--dim);font-size:.85rem}
@media (max-width:40rem){.nodes{grid-template-columns:1fr}.vips{margin-left:0;width:100%}
#events li{grid-template-columns:1fr}}
)css";

}  // namespace

std::string_view status_page_style() {
  return kStyle;
}

}  // namespace agent::io
