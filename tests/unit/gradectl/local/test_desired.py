"""The desired services follow from the control plane alone; the steps lead there from any state."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gradectl.local.desired import (
    BROKER,
    CACHE,
    DATABASE,
    LOAD_BALANCER,
    REGISTRY,
    Cloud,
    CloudBroker,
    CloudCache,
    CloudDatabase,
    CloudService,
    CloudTask,
    Container,
    LocalService,
    RunningService,
    TaskService,
    desired,
    not_served,
    steps,
)
from gradectl.local.engines.activemq import BrokerSpec
from gradectl.local.engines.broker_xml import BrokerUser
from gradectl.local.engines.mariadb import Database
from gradectl.local.engines.redis import Cache

CONTAINER = Container(("grader", "worker"), (("QUEUE_NAME", "grading-requests"),), (), 120)


def broker(broker_id: str = "b-1", reboots: int = 0) -> CloudBroker:
    user = BrokerUser("admin", "a-password")
    return CloudBroker(broker_id, reboots, BrokerSpec("local-grading", "<broker/>", (user,)))


def database(instance_id: str = "local-grading") -> CloudDatabase:
    return CloudDatabase(instance_id, Database("admin", "a-password", "grading"))


def cache(group_id: str = "local-redis", token: str = "a-token-of-16-chars") -> CloudCache:
    return CloudCache(group_id, Cache((token,)))


def service(count: int = 1, deployment: str = "1-000001", name: str = "grading") -> CloudService:
    return CloudService(name, deployment, count, CONTAINER)


clouds = st.builds(
    Cloud,
    brokers=st.lists(
        st.builds(broker, st.sampled_from(["b-1", "b-2"]), st.integers(0, 2)), max_size=2
    ).map(tuple),
    databases=st.lists(st.builds(database, st.sampled_from(["one", "two"])), max_size=2).map(tuple),
    services=st.lists(
        st.builds(
            service,
            st.integers(0, 3),
            st.sampled_from(["1-000001", "2-000002"]),
            st.sampled_from(["grading", "other"]),
        ),
        max_size=2,
        unique_by=lambda each: each.name,
    ).map(tuple),
    tasks=st.lists(
        st.builds(CloudTask, st.sampled_from(["1", "2"]), st.just(CONTAINER)),
        max_size=2,
        unique_by=lambda each: each.task_id,
    ).map(tuple),
    repositories=st.lists(st.sampled_from(["one", "two"]), max_size=2, unique=True).map(tuple),
    caches=st.lists(st.builds(cache, st.sampled_from(["one", "two"])), max_size=2).map(tuple),
)


class Machine:
    """Carries out steps; a stopping service exits only in `let_exit`."""

    def __init__(self) -> None:
        self.running: dict[str, RunningService] = {}

    def round(self, cloud: Cloud) -> bool:
        """Carry out one round of steps; True if there was any."""
        changes = steps(desired(cloud), self.running)
        for name in changes.stop:
            assert not self.running[name].stopping, "stopped twice"
            self.running[name] = RunningService(self.running[name].service, stopping=True)
        for started in changes.start:
            assert started.name not in self.running, "two services with one name"
            self.running[started.name] = RunningService(started)
        return bool(changes.stop or changes.start)

    def let_exit(self) -> None:
        """Remove the services that are stopping."""
        self.running = {name: each for name, each in self.running.items() if not each.stopping}

    def services(self) -> dict[str, LocalService]:
        return {name: each.service for name, each in self.running.items()}


@given(st.lists(st.tuples(clouds, st.booleans()), min_size=1, max_size=8))
def test_after_any_history_exactly_the_last_desired_state_runs(
    history: list[tuple[Cloud, bool]],
) -> None:
    """No sequence of changes leaves an orphan, misses a service, or runs two with one name."""
    machine = Machine()
    for cloud, exited_meanwhile in history:
        machine.round(cloud)
        if exited_meanwhile:
            machine.let_exit()

    last = history[-1][0]
    machine.let_exit()
    machine.round(last)
    machine.let_exit()
    machine.round(last)

    assert machine.services() == desired(last)
    assert not machine.round(last)


def test_nothing_runs_for_an_empty_account() -> None:
    """Before an apply only the control plane runs."""
    assert desired(Cloud()) == {}


def test_the_repositories_of_images_share_one_registry() -> None:
    """It starts with the first one."""
    assert list(desired(Cloud(repositories=("one", "two")))) == [REGISTRY]


def test_the_first_service_with_a_load_balancer_has_the_address_of_the_stack() -> None:
    """Its tasks learn where to listen; those of other services do not."""
    api = replace(service(name="api"), target_group="arn:1")
    cloud = Cloud(services=(service(), api, replace(service(name="web"), target_group="arn:2")))

    wanted = desired(cloud)

    assert LOAD_BALANCER in wanted
    targets = {
        each.service for each in wanted.values() if isinstance(each, TaskService) and each.is_target
    }
    assert targets == {"api", "web"}
    assert not_served(cloud) == ["load balancer of web"]
    assert LOAD_BALANCER not in desired(Cloud(services=(service(),)))


def test_an_ecs_service_runs_its_desired_count_of_tasks() -> None:
    """Each task is one process."""
    assert len(desired(Cloud(services=(service(3),)))) == 3


def test_a_new_deployment_starts_while_the_old_one_stops() -> None:
    """New tasks do not wait for old ones, which may take minutes to stop."""
    old = desired(Cloud(services=(service(2, "1-000001"),)))
    new = desired(Cloud(services=(service(2, "2-000002"),)))

    changes = steps(new, {name: RunningService(each) for name, each in old.items()})

    assert set(changes.stop) == old.keys()
    assert {each.name for each in changes.start} == new.keys()


def test_a_rebooted_broker_is_stopped_before_it_is_started_again() -> None:
    """Both use the same port and data directory."""
    before, after = desired(Cloud((broker(),))), desired(Cloud((broker(reboots=1),)))
    first = steps(after, {BROKER: RunningService(before[BROKER])})
    second = steps(after, {BROKER: RunningService(before[BROKER], stopping=True)})
    third = steps(after, {})

    assert (first.stop, first.start) == ((BROKER,), ())
    assert (second.stop, second.start) == ((), ())
    assert (third.stop, third.start) == ((), (after[BROKER],))


def test_unchanged_services_keep_running() -> None:
    """A second round on the same account has no steps."""
    wanted = desired(Cloud((broker(),), (database(),), (service(2),)))

    changes = steps(wanted, {name: RunningService(each) for name, each in wanted.items()})

    assert (changes.stop, changes.start) == ((), ())


def test_of_two_brokers_the_oldest_runs_and_the_other_is_reported() -> None:
    """A stack has one address of each kind; the log names the rest."""
    cloud = Cloud(
        (broker("b-1"), broker("b-2")),
        (database("one"), database("two")),
        caches=(cache("three"), cache("four")),
    )

    assert desired(cloud)[BROKER].source == broker("b-1")
    assert desired(cloud)[DATABASE].source == database("one")
    assert desired(cloud)[CACHE].source == cache("three")
    assert not_served(cloud) == ["broker local-grading", "database two", "cache four"]


def test_sidecars_are_reported() -> None:
    """The log explains why a sidecar does not run locally."""
    cloud = Cloud(services=(replace(service(), sidecars=("log-router", "metrics")),))

    assert not_served(cloud) == ["container grading/log-router", "container grading/metrics"]
    assert len(desired(cloud)) == 1


def test_the_repr_of_a_service_has_no_password() -> None:
    """It may be logged."""
    cloud = Cloud((broker(),), (database(),), caches=(cache(token="a-password-of-16-chars"),))

    assert "a-password" not in repr(desired(cloud))
