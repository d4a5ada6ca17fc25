"""What must run follows from the control plane alone, and the steps lead there from anywhere."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gradectl.local.desired import (
    BROKER,
    DATABASE,
    Cloud,
    CloudBroker,
    CloudDatabase,
    CloudService,
    Container,
    LocalService,
    RunningService,
    desired,
    not_served,
    steps,
)
from gradectl.local.engines.activemq import BrokerSpec
from gradectl.local.engines.broker_xml import BrokerUser
from gradectl.local.engines.mariadb import Database

CONTAINER = Container(("grader", "worker"), (("QUEUE_NAME", "grading-requests"),), (), 120)


def broker(broker_id: str = "b-1", reboots: int = 0) -> CloudBroker:
    user = BrokerUser("admin", "a-password")
    return CloudBroker(broker_id, reboots, BrokerSpec("local-grading", "<broker/>", (user,)))


def database(instance_id: str = "local-grading") -> CloudDatabase:
    return CloudDatabase(instance_id, Database("admin", "a-password", "grading"))


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
)


class Machine:
    """Does what it is told, and lets a stopped service end only when the test says so."""

    def __init__(self) -> None:
        """Begin with nothing running."""
        self.running: dict[str, RunningService] = {}

    def round(self, cloud: Cloud) -> bool:
        """Take one round of steps; True when there was anything to do."""
        todo = steps(desired(cloud), self.running)
        for name in todo.stop:
            assert not self.running[name].stopping, "told twice"
            self.running[name] = RunningService(self.running[name].service, stopping=True)
        for started in todo.start:
            assert started.name not in self.running, "two of one name at once"
            self.running[started.name] = RunningService(started)
        return bool(todo.stop or todo.start)

    def let_end(self) -> None:
        """Forget what was told to stop."""
        self.running = {name: each for name, each in self.running.items() if not each.stopping}

    def services(self) -> dict[str, LocalService]:
        return {name: each.service for name, each in self.running.items()}


@given(st.lists(st.tuples(clouds, st.booleans()), min_size=1, max_size=8))
def test_whatever_was_asked_for_before_in_the_end_exactly_the_last_wish_runs(
    history: list[tuple[Cloud, bool]],
) -> None:
    """No sequence of changes leaves an orphan, misses a service, or runs two of one name."""
    machine = Machine()
    for cloud, ended_meanwhile in history:
        machine.round(cloud)
        if ended_meanwhile:
            machine.let_end()

    last = history[-1][0]
    machine.let_end()
    machine.round(last)
    machine.let_end()
    machine.round(last)

    assert machine.services() == desired(last)
    assert not machine.round(last)


def test_nothing_runs_for_an_empty_account() -> None:
    """Before an apply there is nothing but the control plane."""
    assert desired(Cloud()) == {}


def test_an_ecs_service_runs_as_many_tasks_as_it_desires() -> None:
    """The desired count is the number of processes."""
    assert len(desired(Cloud(services=(service(3),)))) == 3


def test_a_new_deployment_starts_beside_the_old_one() -> None:
    """Its tasks do not wait for the old ones, which may drain for minutes."""
    old = desired(Cloud(services=(service(2, "1-000001"),)))
    new = desired(Cloud(services=(service(2, "2-000002"),)))

    todo = steps(new, {name: RunningService(each) for name, each in old.items()})

    assert set(todo.stop) == old.keys()
    assert {each.name for each in todo.start} == new.keys()


def test_a_rebooted_broker_is_stopped_before_it_is_started_again() -> None:
    """Both have one port and one data directory."""
    before, after = desired(Cloud((broker(),))), desired(Cloud((broker(reboots=1),)))
    first = steps(after, {BROKER: RunningService(before[BROKER])})
    second = steps(after, {BROKER: RunningService(before[BROKER], stopping=True)})
    third = steps(after, {})

    assert (first.stop, first.start) == ((BROKER,), ())
    assert (second.stop, second.start) == ((), ())
    assert (third.stop, third.start) == ((), (after[BROKER],))


def test_what_did_not_change_is_left_alone() -> None:
    """A second look at the same account does nothing."""
    wanted = desired(Cloud((broker(),), (database(),), (service(2),)))

    todo = steps(wanted, {name: RunningService(each) for name, each in wanted.items()})

    assert (todo.stop, todo.start) == ((), ())


def test_of_two_brokers_the_oldest_is_served_and_the_other_named() -> None:
    """There is one address for each kind, and nobody is left guessing."""
    cloud = Cloud((broker("b-1"), broker("b-2")), (database("one"), database("two")))

    assert desired(cloud)[BROKER].source == broker("b-1")
    assert desired(cloud)[DATABASE].source == database("one")
    assert not_served(cloud) == ["broker local-grading", "database two"]


def test_containers_beside_the_worker_are_named() -> None:
    """Whoever adds a sidecar and looks for it on a laptop is told why it is not there."""
    cloud = Cloud(services=(replace(service(), beside=("log-router", "metrics")),))

    assert not_served(cloud) == ["container grading/log-router", "container grading/metrics"]
    assert len(desired(cloud)) == 1


def test_passwords_do_not_show_when_a_service_is_printed() -> None:
    """What ends up in a log is safe to read."""
    assert "a-password" not in repr(desired(Cloud((broker(),), (database(),))))
