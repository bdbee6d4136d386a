"""What keeps a template and a bundle apart, and which order a run belongs to."""

from dataclasses import replace

import pytest

from station.application.ordering import only_running, refuse_misfit
from station.domain.errors import DocumentRefused, NotInOrder
from station.domain.template import Constant, Kv, TemplateEntry
from tests.unit.application.workbench import RELEASED, TEMPLATE, Workbench, make_order


def test_a_template_may_fill_gaps_and_replace_what_the_bundle_lets_go() -> None:
    refuse_misfit(TEMPLATE, RELEASED)


def test_a_template_of_another_product_is_refused() -> None:
    with pytest.raises(DocumentRefused, match="is for DK-8, bundle welcome for DK-7F"):
        refuse_misfit(replace(TEMPLATE, product="DK-8"), RELEASED)


def test_a_template_may_not_shadow_the_makers_content() -> None:
    taken = TemplateEntry("url", Constant("https://evil.example/"), Kv("content_url"))
    shadowing = replace(TEMPLATE, entries=(*TEMPLATE.entries, taken))

    with pytest.raises(DocumentRefused, match="entry url: kv 'content_url' is in the bundle"):
        refuse_misfit(shadowing, RELEASED)


def test_the_one_order_that_runs_is_meant(bench: Workbench) -> None:
    bench.registry.add_order(make_order("WO-2"))

    assert only_running(bench.registry).name == "WO-1"


def test_without_a_running_order_there_is_none_to_mean(empty_bench: Workbench) -> None:
    empty_bench.registry.add_order(make_order("WO-2"))

    with pytest.raises(NotInOrder, match="no work order is running"):
        only_running(empty_bench.registry)


def test_among_several_running_orders_somebody_has_to_choose(bench: Workbench) -> None:
    bench.start(make_order("WO-2"))

    with pytest.raises(NotInOrder, match="2 work orders are running: WO-2, WO-1") as refused:
        only_running(bench.registry)

    assert "--order" in refused.value.remedy
